// Behavioural models of the cells that Yosys maps to on MachXO2 alone, written for fast simulation:
// no timing; trellis_cells.v has the others. locgen's tests compare them with the models that Yosys
// ships. A cell that is missing here is an error, never a black box.

// Two LUTs and two bits of a carry chain, which starts anew where INJECT1 is YES. What a bit makes is
// the complement of its LUT's upper quarter.
module CCU2D (
  output S0, S1, COUT,
  input CIN, A0, B0, C0, D0, A1, B1, C1, D1
);
  parameter [15:0] INIT0 = 16'h0000;
  parameter [15:0] INIT1 = 16'h0000;
  parameter INJECT1_0 = "YES";
  parameter INJECT1_1 = "YES";
  localparam CHAIN0 = INJECT1_0 == "NO";
  localparam CHAIN1 = INJECT1_1 == "NO";
  wire lut0 = INIT0[{D0, C0, B0, A0}];
  wire lut1 = INIT1[{D1, C1, B1, A1}];
  wire generate0 = CHAIN0 & ~INIT0[{2'b11, B0, A0}];
  wire generate1 = CHAIN1 & ~INIT1[{2'b11, B1, A1}];
  wire middle = lut0 ? CIN : generate0;
  assign S0 = lut0 ^ (CHAIN0 & CIN);
  assign S1 = lut1 ^ (CHAIN1 & middle);
  assign COUT = lut1 ? middle : generate1;
endmodule
