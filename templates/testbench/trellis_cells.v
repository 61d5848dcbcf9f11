// Behavioural models of the cells that Yosys maps to on both ECP5 and MachXO2, written for fast
// simulation: no timing. After the descriptions in Lattice's primitives libraries; locgen's tests
// compare them with the models that Yosys ships. A cell that is missing here is an error, never a
// black box.

module LUT4 (output Z, input A, B, C, D);
  parameter [15:0] INIT = 16'h0000;
  assign Z = INIT[{D, C, B, A}];
endmodule

module PFUMX (output Z, input ALUT, BLUT, C0);
  assign Z = C0 ? ALUT : BLUT;
endmodule

module L6MUX21 (output Z, input D0, D1, SD);
  assign Z = SD ? D1 : D0;
endmodule

module VLO (output Z);
  assign Z = 1'b0;
endmodule

module VHI (output Z);
  assign Z = 1'b1;
endmodule

// A flip-flop with enable and set or reset, which comes before the enable unless SRMODE says
// otherwise. It starts as it is reset.
module TRELLIS_FF (output reg Q, input CLK, LSR, CE, DI, M);
  parameter GSR = "ENABLED";
  parameter CEMUX = "1";
  parameter CLKMUX = "CLK";
  parameter LSRMUX = "LSR";
  parameter SRMODE = "LSR_OVER_CE";
  parameter REGSET = "RESET";
  localparam START = REGSET == "SET";
  wire clock = CLKMUX == "INV" ? ~CLK : CLK;
  wire reset = LSRMUX == "INV" ? ~LSR : LSR;
  wire enable = CEMUX == "1" ? 1'b1 : CEMUX == "0" ? 1'b0 : CEMUX == "INV" ? ~CE : CE;
  initial Q = START;
  generate
    if (SRMODE == "ASYNC") begin
      always @(posedge clock, posedge reset) if (reset) Q <= START; else if (enable) Q <= DI;
    end else begin
      always @(posedge clock) if (reset) Q <= START; else if (enable) Q <= DI;
    end
  endgenerate
endmodule
