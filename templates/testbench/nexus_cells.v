// Behavioural models of the Nexus cells that Yosys maps to, written for fast simulation: no timing.
// locgen's tests compare them with the models that Yosys ships. A cell that is missing here is an
// error, never a black box.

// A pin on which the function does not depend may be left open: it reads as 0.
module LUT4 (output Z, input A, B, C, D);
  parameter [47:0] INIT = "0x0000";
  function [15:0] table_of(input [47:0] text);
    integer digit;
    reg [7:0] letter;
    for (digit = 0; digit < 4; digit = digit + 1) begin
      letter = text[8 * digit +: 8];
      table_of[4 * digit +: 4] = letter > "9" ? letter[3:0] + 4'd9 : letter[3:0];
    end
  endfunction
  localparam [15:0] TABLE = table_of(INIT);
  assign Z = TABLE[{D === 1'b1, C === 1'b1, B === 1'b1, A === 1'b1}];
endmodule

module WIDEFN9 (output Z, input A0, B0, C0, D0, A1, B1, C1, D1, SEL);
  parameter [47:0] INIT0 = "0x0000";
  parameter [47:0] INIT1 = "0x0000";
  wire low, high;
  LUT4 #(.INIT(INIT0)) first (.Z(low), .A(A0), .B(B0), .C(C0), .D(D0));
  LUT4 #(.INIT(INIT1)) second (.Z(high), .A(A1), .B(B1), .C(C1), .D(D1));
  assign Z = SEL ? high : low;
endmodule

module INV (output Z, input A);
  assign Z = ~A;
endmodule

module IB (output O, input I);
  assign O = I;
endmodule

module OB (output O, input I);
  assign O = I;
endmodule

module VLO (output Z);
  assign Z = 1'b0;
endmodule

module VHI (output Z);
  assign Z = 1'b1;
endmodule

// Flip-flops with enable and clear or preset, which comes before the enable. They start as they are
// reset.
module FD1P3IX (output reg Q, input D, CK, SP, CD);
  parameter GSR = "DISABLED";
  initial Q = 1'b0;
  always @(posedge CK) if (CD) Q <= 1'b0; else if (SP) Q <= D;
endmodule

module FD1P3JX (output reg Q, input D, CK, SP, PD);
  parameter GSR = "DISABLED";
  initial Q = 1'b1;
  always @(posedge CK) if (PD) Q <= 1'b1; else if (SP) Q <= D;
endmodule
