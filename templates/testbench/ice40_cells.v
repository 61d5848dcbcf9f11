// Behavioural models of the iCE40 cells that Yosys maps to, written for fast simulation: no timing,
// no default port values, flip-flops start at 0 as the device's do after configuration.
// After the descriptions in Lattice's "iCE Technology Library"; locgen's tests compare them with the
// models that Yosys ships. A cell that is missing here is an error, never a black box.

module SB_LUT4 (output O, input I0, I1, I2, I3);
  parameter [15:0] LUT_INIT = 16'h0000;
  assign O = LUT_INIT[{I3, I2, I1, I0}];
endmodule

module SB_CARRY (output CO, input I0, I1, CI);
  assign CO = (I0 & I1) | ((I0 | I1) & CI);
endmodule

module SB_GB (input USER_SIGNAL_TO_GLOBAL_BUFFER, output GLOBAL_BUFFER_OUTPUT);
  assign GLOBAL_BUFFER_OUTPUT = USER_SIGNAL_TO_GLOBAL_BUFFER;
endmodule

// Flip-flops: N falling edge, E enable, R/S asynchronous and SR/SS synchronous reset/set. With an
// enable, the synchronous ones act only while it is 1.

module SB_DFF (output reg Q, input C, D);
  initial Q = 1'b0;
  always @(posedge C) Q <= D;
endmodule

module SB_DFFSR (output reg Q, input C, R, D);
  initial Q = 1'b0;
  always @(posedge C) Q <= D & ~R;
endmodule

module SB_DFFR (output reg Q, input C, R, D);
  initial Q = 1'b0;
  always @(posedge C, posedge R) if (R) Q <= 1'b0; else Q <= D;
endmodule

module SB_DFFSS (output reg Q, input C, S, D);
  initial Q = 1'b0;
  always @(posedge C) Q <= D | S;
endmodule

module SB_DFFS (output reg Q, input C, S, D);
  initial Q = 1'b0;
  always @(posedge C, posedge S) if (S) Q <= 1'b1; else Q <= D;
endmodule

module SB_DFFE (output reg Q, input C, E, D);
  initial Q = 1'b0;
  always @(posedge C) if (E) Q <= D;
endmodule

module SB_DFFESR (output reg Q, input C, E, R, D);
  initial Q = 1'b0;
  always @(posedge C) if (E) Q <= D & ~R;
endmodule

module SB_DFFER (output reg Q, input C, E, R, D);
  initial Q = 1'b0;
  always @(posedge C, posedge R) if (R) Q <= 1'b0; else if (E) Q <= D;
endmodule

module SB_DFFESS (output reg Q, input C, E, S, D);
  initial Q = 1'b0;
  always @(posedge C) if (E) Q <= D | S;
endmodule

module SB_DFFES (output reg Q, input C, E, S, D);
  initial Q = 1'b0;
  always @(posedge C, posedge S) if (S) Q <= 1'b1; else if (E) Q <= D;
endmodule

module SB_DFFN (output reg Q, input C, D);
  initial Q = 1'b0;
  always @(negedge C) Q <= D;
endmodule

module SB_DFFNSR (output reg Q, input C, R, D);
  initial Q = 1'b0;
  always @(negedge C) Q <= D & ~R;
endmodule

module SB_DFFNR (output reg Q, input C, R, D);
  initial Q = 1'b0;
  always @(negedge C, posedge R) if (R) Q <= 1'b0; else Q <= D;
endmodule

module SB_DFFNSS (output reg Q, input C, S, D);
  initial Q = 1'b0;
  always @(negedge C) Q <= D | S;
endmodule

module SB_DFFNS (output reg Q, input C, S, D);
  initial Q = 1'b0;
  always @(negedge C, posedge S) if (S) Q <= 1'b1; else Q <= D;
endmodule

module SB_DFFNE (output reg Q, input C, E, D);
  initial Q = 1'b0;
  always @(negedge C) if (E) Q <= D;
endmodule

module SB_DFFNESR (output reg Q, input C, E, R, D);
  initial Q = 1'b0;
  always @(negedge C) if (E) Q <= D & ~R;
endmodule

module SB_DFFNER (output reg Q, input C, E, R, D);
  initial Q = 1'b0;
  always @(negedge C, posedge R) if (R) Q <= 1'b0; else if (E) Q <= D;
endmodule

module SB_DFFNESS (output reg Q, input C, E, S, D);
  initial Q = 1'b0;
  always @(negedge C) if (E) Q <= D | S;
endmodule

module SB_DFFNES (output reg Q, input C, E, S, D);
  initial Q = 1'b0;
  always @(negedge C, posedge S) if (S) Q <= 1'b1; else if (E) Q <= D;
endmodule

// 4,096 bits, 256 rows of 16. In mode m a port is 16 >> m bits wide; the address bits above the
// eighth choose one of 2 ** m bits in each lane, and the lane's data bit stands in its middle.
module SB_RAM40_4K (
  output [15:0] RDATA,
  input RCLK, RCLKE, RE,
  input [10:0] RADDR,
  input WCLK, WCLKE, WE,
  input [10:0] WADDR,
  input [15:0] MASK, WDATA
);
  parameter WRITE_MODE = 0;
  parameter READ_MODE = 0;

  parameter [255:0] INIT_0 = 256'b0;
  parameter [255:0] INIT_1 = 256'b0;
  parameter [255:0] INIT_2 = 256'b0;
  parameter [255:0] INIT_3 = 256'b0;
  parameter [255:0] INIT_4 = 256'b0;
  parameter [255:0] INIT_5 = 256'b0;
  parameter [255:0] INIT_6 = 256'b0;
  parameter [255:0] INIT_7 = 256'b0;
  parameter [255:0] INIT_8 = 256'b0;
  parameter [255:0] INIT_9 = 256'b0;
  parameter [255:0] INIT_A = 256'b0;
  parameter [255:0] INIT_B = 256'b0;
  parameter [255:0] INIT_C = 256'b0;
  parameter [255:0] INIT_D = 256'b0;
  parameter [255:0] INIT_E = 256'b0;
  parameter [255:0] INIT_F = 256'b0;

  localparam [4095:0] INIT = {
    INIT_F, INIT_E, INIT_D, INIT_C, INIT_B, INIT_A, INIT_9, INIT_8,
    INIT_7, INIT_6, INIT_5, INIT_4, INIT_3, INIT_2, INIT_1, INIT_0
  };
  localparam WRITE_LANE = 1 << WRITE_MODE;
  localparam READ_LANE = 1 << READ_MODE;

  reg [15:0] memory [0:255];
  reg [15:0] row;
  reg [2:0] select;
  integer word;
  initial begin
    for (word = 0; word < 256; word = word + 1) memory[word] = INIT[16 * word +: 16];
    row = 16'b0;
    select = 3'b0;
  end

  wire [2:0] bank = WADDR[10:8] & (WRITE_LANE - 1);
  wire [15:0] write_data, write_enable;
  genvar k;
  generate
    for (k = 0; k < 16; k = k + 1) begin : write_bit
      assign write_data[k] = WDATA[k - k % WRITE_LANE + (WRITE_LANE - 1) / 2];
      assign write_enable[k] = WRITE_MODE == 0 ? ~MASK[k] : bank == k % WRITE_LANE;
    end
  endgenerate

  integer column;
  always @(posedge WCLK)
    if (WE && WCLKE)
      for (column = 0; column < 16; column = column + 1)
        if (write_enable[column]) memory[WADDR[7:0]][column] <= write_data[column];

  always @(posedge RCLK)
    if (RE && RCLKE) begin
      row <= memory[RADDR[7:0]];
      select <= RADDR[10:8] & (READ_LANE - 1);
    end

  generate
    for (k = 0; k < 16; k = k + 1) begin : read_bit
      if (k % READ_LANE == (READ_LANE - 1) / 2)
        assign RDATA[k] = row[k - k % READ_LANE + select];
      else
        assign RDATA[k] = 1'b0;
    end
  endgenerate
endmodule
