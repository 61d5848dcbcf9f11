// Behavioural models of the AMD 7 series and UltraScale+ cells that Yosys maps to, written for fast
// simulation: no timing. After the descriptions in AMD's UG953 and UG974 (libraries guides); locgen's
// tests compare them with the models that Yosys ships. A cell that is missing here is an error, never
// a black box.

module INV (output O, input I);
  assign O = ~I;
endmodule

module GND (output G);
  assign G = 1'b0;
endmodule

module VCC (output P);
  assign P = 1'b1;
endmodule

module LUT1 (output O, input I0);
  parameter [1:0] INIT = 2'b0;
  assign O = INIT[{I0}];
endmodule

module LUT2 (output O, input I0, I1);
  parameter [3:0] INIT = 4'b0;
  assign O = INIT[{I1, I0}];
endmodule

module LUT3 (output O, input I0, I1, I2);
  parameter [7:0] INIT = 8'b0;
  assign O = INIT[{I2, I1, I0}];
endmodule

module LUT4 (output O, input I0, I1, I2, I3);
  parameter [15:0] INIT = 16'b0;
  assign O = INIT[{I3, I2, I1, I0}];
endmodule

module LUT5 (output O, input I0, I1, I2, I3, I4);
  parameter [31:0] INIT = 32'b0;
  assign O = INIT[{I4, I3, I2, I1, I0}];
endmodule

module LUT6 (output O, input I0, I1, I2, I3, I4, I5);
  parameter [63:0] INIT = 64'b0;
  assign O = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule

module MUXF7 (output O, input I0, I1, S);
  assign O = S ? I1 : I0;
endmodule

module MUXF8 (output O, input I0, I1, S);
  assign O = S ? I1 : I0;
endmodule

module MUXF9 (output O, input I0, I1, S);
  assign O = S ? I1 : I0;
endmodule

module FDRE (output reg Q, input C, CE, D, R);
  parameter [0:0] INIT = 1'b0;
  initial Q = INIT;
  always @(posedge C) if (R) Q <= 1'b0; else if (CE) Q <= D;
endmodule

module FDSE (output reg Q, input C, CE, D, S);
  parameter [0:0] INIT = 1'b1;
  initial Q = INIT;
  always @(posedge C) if (S) Q <= 1'b1; else if (CE) Q <= D;
endmodule

module FDCE (output reg Q, input C, CE, D, CLR);
  parameter [0:0] INIT = 1'b0;
  initial Q = INIT;
  always @(posedge C, posedge CLR) if (CLR) Q <= 1'b0; else if (CE) Q <= D;
endmodule

module FDPE (output reg Q, input C, CE, D, PRE);
  parameter [0:0] INIT = 1'b1;
  initial Q = INIT;
  always @(posedge C, posedge PRE) if (PRE) Q <= 1'b1; else if (CE) Q <= D;
endmodule

// Carry chains: a bit passes the carry on where S is 1, and takes DI for it otherwise.
module CARRY4 (output [3:0] CO, O, input CI, CYINIT, input [3:0] DI, S);
  wire c0 = CI | CYINIT;
  wire c1 = S[0] ? c0 : DI[0];
  wire c2 = S[1] ? c1 : DI[1];
  wire c3 = S[2] ? c2 : DI[2];
  wire c4 = S[3] ? c3 : DI[3];
  assign CO = {c4, c3, c2, c1};
  assign O = S ^ {c3, c2, c1, c0};
endmodule

module CARRY8 (output [7:0] CO, O, input CI, CI_TOP, input [7:0] DI, S);
  parameter CARRY_TYPE = "SINGLE_CY8";
  wire c1 = S[0] ? CI : DI[0];
  wire c2 = S[1] ? c1 : DI[1];
  wire c3 = S[2] ? c2 : DI[2];
  wire c4 = S[3] ? c3 : DI[3];
  wire middle = CARRY_TYPE == "DUAL_CY4" ? CI_TOP : c4;
  wire c5 = S[4] ? middle : DI[4];
  wire c6 = S[5] ? c5 : DI[5];
  wire c7 = S[6] ? c6 : DI[6];
  wire c8 = S[7] ? c7 : DI[7];
  assign CO = {c8, c7, c6, c5, c4, c3, c2, c1};
  assign O = S ^ {c7, c6, c5, middle, c3, c2, c1, CI};
endmodule
