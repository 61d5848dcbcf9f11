// Behavioural models of the Gowin cells that Yosys maps to, written for fast simulation: no timing.
// After the descriptions in Gowin's SUG283 (primitives); locgen's tests
// compare them with the models that Yosys ships. A cell that is missing here is an error, never a
// black box.

module LUT1 (output F, input I0);
  parameter [1:0] INIT = 2'b0;
  assign F = INIT[I0];
endmodule

module LUT2 (output F, input I0, I1);
  parameter [3:0] INIT = 4'b0;
  assign F = INIT[{I1, I0}];
endmodule

module LUT3 (output F, input I0, I1, I2);
  parameter [7:0] INIT = 8'b0;
  assign F = INIT[{I2, I1, I0}];
endmodule

module LUT4 (output F, input I0, I1, I2, I3);
  parameter [15:0] INIT = 16'b0;
  assign F = INIT[{I3, I2, I1, I0}];
endmodule

module MUX2_LUT5 (output O, input I0, I1, S0);
  assign O = S0 ? I1 : I0;
endmodule

module MUX2_LUT6 (output O, input I0, I1, S0);
  assign O = S0 ? I1 : I0;
endmodule

module MUX2_LUT7 (output O, input I0, I1, S0);
  assign O = S0 ? I1 : I0;
endmodule

module MUX2_LUT8 (output O, input I0, I1, S0);
  assign O = S0 ? I1 : I0;
endmodule

module VCC (output V);
  assign V = 1'b1;
endmodule

module GND (output G);
  assign G = 1'b0;
endmodule

module IBUF (output O, input I);
  assign O = I;
endmodule

module OBUF (output O, input I);
  assign O = I;
endmodule

// One bit of a carry chain; the modes that compare, count and multiply use the same sum and carry.
module ALU (output SUM, COUT, input I0, I1, I3, CIN);
  parameter ALU_MODE = 0;
  reg same, carry;
  always @*
    case (ALU_MODE)
      0: begin same = I0 ^ I1; carry = I0; end
      1: begin same = I0 ^ ~I1; carry = I0; end
      2: begin same = I3 ? I0 ^ I1 : I0 ^ ~I1; carry = I0; end
      3: begin same = I0 ^ ~I1; carry = 1'b1; end
      4: begin same = I0 ^ ~I1; carry = I0; end
      5: begin same = ~I0 ^ I1; carry = I1; end
      6: begin same = I0; carry = 1'b0; end
      7: begin same = ~I0; carry = 1'b1; end
      8: begin same = I3 ? I0 : ~I0; carry = I0; end
      9: begin same = (I0 & I1) ^ I3; carry = I0 & I1; end
      default: begin same = 1'bx; carry = 1'bx; end
    endcase
  assign SUM = same ^ CIN;
  assign COUT = same ? CIN : carry;
endmodule

// Flip-flops: E enable, R and S synchronous reset and set, C and P asynchronous ones; a reset or set
// comes before the enable.

module DFF (output reg Q, input D, CLK);
  parameter [0:0] INIT = 1'b0;
  initial Q = INIT;
  always @(posedge CLK) Q <= D;
endmodule

module DFFE (output reg Q, input D, CLK, CE);
  parameter [0:0] INIT = 1'b0;
  initial Q = INIT;
  always @(posedge CLK) if (CE) Q <= D;
endmodule

module DFFR (output reg Q, input D, CLK, RESET);
  parameter [0:0] INIT = 1'b0;
  initial Q = INIT;
  always @(posedge CLK) if (RESET) Q <= 1'b0; else Q <= D;
endmodule

module DFFRE (output reg Q, input D, CLK, CE, RESET);
  parameter [0:0] INIT = 1'b0;
  initial Q = INIT;
  always @(posedge CLK) if (RESET) Q <= 1'b0; else if (CE) Q <= D;
endmodule

module DFFS (output reg Q, input D, CLK, SET);
  parameter [0:0] INIT = 1'b1;
  initial Q = INIT;
  always @(posedge CLK) if (SET) Q <= 1'b1; else Q <= D;
endmodule

module DFFSE (output reg Q, input D, CLK, CE, SET);
  parameter [0:0] INIT = 1'b1;
  initial Q = INIT;
  always @(posedge CLK) if (SET) Q <= 1'b1; else if (CE) Q <= D;
endmodule

module DFFC (output reg Q, input D, CLK, CLEAR);
  parameter [0:0] INIT = 1'b0;
  initial Q = INIT;
  always @(posedge CLK, posedge CLEAR) if (CLEAR) Q <= 1'b0; else Q <= D;
endmodule

module DFFCE (output reg Q, input D, CLK, CE, CLEAR);
  parameter [0:0] INIT = 1'b0;
  initial Q = INIT;
  always @(posedge CLK, posedge CLEAR) if (CLEAR) Q <= 1'b0; else if (CE) Q <= D;
endmodule

module DFFP (output reg Q, input D, CLK, PRESET);
  parameter [0:0] INIT = 1'b1;
  initial Q = INIT;
  always @(posedge CLK, posedge PRESET) if (PRESET) Q <= 1'b1; else Q <= D;
endmodule

module DFFPE (output reg Q, input D, CLK, CE, PRESET);
  parameter [0:0] INIT = 1'b1;
  initial Q = INIT;
  always @(posedge CLK, posedge PRESET) if (PRESET) Q <= 1'b1; else if (CE) Q <= D;
endmodule

// Block RAM: 2,048 bytes of eight or, in those with a 9, nine bits. The address counts bits of four
// to the half byte; ports of two and four bytes take byte enables at its lowest bits. SP has one port;
// SDPB writes through A and reads through B, DPX9B does both through either; what one port reads where
// the other writes at the same time is not defined, so these models show all its bits inverted: no
// simulation passes that uses it.

// Contents in the bitstream: a parameter for every 32 bytes.
`define GOWIN_CONTENTS(BYTE) \
  parameter [32 * BYTE - 1:0] \
    INIT_RAM_00 = 0, INIT_RAM_01 = 0, INIT_RAM_02 = 0, INIT_RAM_03 = 0, INIT_RAM_04 = 0, INIT_RAM_05 = 0, \
    INIT_RAM_06 = 0, INIT_RAM_07 = 0, INIT_RAM_08 = 0, INIT_RAM_09 = 0, INIT_RAM_0A = 0, INIT_RAM_0B = 0, \
    INIT_RAM_0C = 0, INIT_RAM_0D = 0, INIT_RAM_0E = 0, INIT_RAM_0F = 0, INIT_RAM_10 = 0, INIT_RAM_11 = 0, \
    INIT_RAM_12 = 0, INIT_RAM_13 = 0, INIT_RAM_14 = 0, INIT_RAM_15 = 0, INIT_RAM_16 = 0, INIT_RAM_17 = 0, \
    INIT_RAM_18 = 0, INIT_RAM_19 = 0, INIT_RAM_1A = 0, INIT_RAM_1B = 0, INIT_RAM_1C = 0, INIT_RAM_1D = 0, \
    INIT_RAM_1E = 0, INIT_RAM_1F = 0, INIT_RAM_20 = 0, INIT_RAM_21 = 0, INIT_RAM_22 = 0, INIT_RAM_23 = 0, \
    INIT_RAM_24 = 0, INIT_RAM_25 = 0, INIT_RAM_26 = 0, INIT_RAM_27 = 0, INIT_RAM_28 = 0, INIT_RAM_29 = 0, \
    INIT_RAM_2A = 0, INIT_RAM_2B = 0, INIT_RAM_2C = 0, INIT_RAM_2D = 0, INIT_RAM_2E = 0, INIT_RAM_2F = 0, \
    INIT_RAM_30 = 0, INIT_RAM_31 = 0, INIT_RAM_32 = 0, INIT_RAM_33 = 0, INIT_RAM_34 = 0, INIT_RAM_35 = 0, \
    INIT_RAM_36 = 0, INIT_RAM_37 = 0, INIT_RAM_38 = 0, INIT_RAM_39 = 0, INIT_RAM_3A = 0, INIT_RAM_3B = 0, \
    INIT_RAM_3C = 0, INIT_RAM_3D = 0, INIT_RAM_3E = 0, INIT_RAM_3F = 0; \
  localparam [2048 * BYTE - 1:0] INIT = { \
    INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38, \
    INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, \
    INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28, \
    INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20, \
    INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, \
    INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10, \
    INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08, \
    INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00 \
  }; \
  reg [BYTE - 1:0] bytes [0:2047]; \
  integer byte_number; \
  initial \
    for (byte_number = 0; byte_number < 2048; byte_number = byte_number + 1) \
      bytes[byte_number] = INIT[BYTE * byte_number +: BYTE];

// What a port of up to four bytes of eight, or of nine bits, shows and stores.
`define GOWIN_PORT_8 \
  function [31:0] look(input [13:0] address, input integer width); \
    case (width) \
      32: look = {bytes[{address[13:5], 2'd3}], bytes[{address[13:5], 2'd2}], \
                  bytes[{address[13:5], 2'd1}], bytes[{address[13:5], 2'd0}]}; \
      16: look = {16'b0, bytes[{address[13:4], 1'b1}], bytes[{address[13:4], 1'b0}]}; \
      8: look = {24'b0, bytes[address[13:3]]}; \
      4: look = {28'b0, bytes[address[13:3]][{address[2], 2'b0} +: 4]}; \
      2: look = {30'b0, bytes[address[13:3]][{address[2:1], 1'b0} +: 2]}; \
      default: look = {31'b0, bytes[address[13:3]][address[2:0]]}; \
    endcase \
  endfunction \
  task store(input [13:0] address, input [31:0] data, input integer width); \
    case (width) \
      32: begin \
        if (address[0]) bytes[{address[13:5], 2'd0}] <= data[7:0]; \
        if (address[1]) bytes[{address[13:5], 2'd1}] <= data[15:8]; \
        if (address[2]) bytes[{address[13:5], 2'd2}] <= data[23:16]; \
        if (address[3]) bytes[{address[13:5], 2'd3}] <= data[31:24]; \
      end \
      16: begin \
        if (address[0]) bytes[{address[13:4], 1'b0}] <= data[7:0]; \
        if (address[1]) bytes[{address[13:4], 1'b1}] <= data[15:8]; \
      end \
      8: bytes[address[13:3]] <= data[7:0]; \
      4: bytes[address[13:3]][{address[2], 2'b0} +: 4] <= data[3:0]; \
      2: bytes[address[13:3]][{address[2:1], 1'b0} +: 2] <= data[1:0]; \
      default: bytes[address[13:3]][address[2:0]] <= data[0]; \
    endcase \
  endtask

`define GOWIN_PORT_9 \
  function [35:0] look(input [13:0] address, input integer width); \
    case (width) \
      36: look = {bytes[{address[13:5], 2'd3}], bytes[{address[13:5], 2'd2}], \
                  bytes[{address[13:5], 2'd1}], bytes[{address[13:5], 2'd0}]}; \
      18: look = {18'b0, bytes[{address[13:4], 1'b1}], bytes[{address[13:4], 1'b0}]}; \
      default: look = {27'b0, bytes[address[13:3]]}; \
    endcase \
  endfunction \
  task store(input [13:0] address, input [35:0] data, input integer width); \
    case (width) \
      36: begin \
        if (address[0]) bytes[{address[13:5], 2'd0}] <= data[8:0]; \
        if (address[1]) bytes[{address[13:5], 2'd1}] <= data[17:9]; \
        if (address[2]) bytes[{address[13:5], 2'd2}] <= data[26:18]; \
        if (address[3]) bytes[{address[13:5], 2'd3}] <= data[35:27]; \
      end \
      18: begin \
        if (address[0]) bytes[{address[13:4], 1'b0}] <= data[8:0]; \
        if (address[1]) bytes[{address[13:4], 1'b1}] <= data[17:9]; \
      end \
      default: bytes[address[13:3]] <= data[8:0]; \
    endcase \
  endtask

// In whose bits both addresses are the same, beginning with rows of four bytes; if a byte is enabled.
`define GOWIN_MEET \
  localparam BELOW = BIT_WIDTH_0 > BIT_WIDTH_1 ? BIT_WIDTH_0 : BIT_WIDTH_1; \
  wire [13:0] differ = ADA ^ ADB; \
  wire same = BELOW >= 32 || differ[4] == 0 && (BELOW >= 16 || differ[3] == 0 && (BELOW >= 8 || \
    differ[2] == 0 && (BELOW >= 4 || differ[1] == 0 && (BELOW >= 2 || differ[0] == 0)))); \
  wire enabled = BIT_WIDTH_0 < 16 || ADA[1:0] != 0 || BIT_WIDTH_0 >= 32 && ADA[3:2] != 0;

module SP (
  input CLK, CE, RESET, OCE, WRE,
  input [13:0] AD,
  input [2:0] BLKSEL,
  input [31:0] DI,
  output reg [31:0] DO
);
  parameter BIT_WIDTH = 32;
  parameter [2:0] BLK_SEL = 3'b0;
  parameter [1:0] WRITE_MODE = 2'b0;
  parameter READ_MODE = 1'b0;
  parameter RESET_MODE = "SYNC";
  `GOWIN_CONTENTS(8)
  initial DO = 32'b0;

  `GOWIN_PORT_8

  always @(posedge CLK) begin
    if (CE && WRE) store(AD, DI, BIT_WIDTH);
    if (RESET) DO <= 32'b0;
    else if (CE && (!WRE || WRITE_MODE == 2)) DO <= look(AD, BIT_WIDTH);
    else if (CE && WRITE_MODE == 1) DO <= DI;
  end
endmodule

module SPX9 (
  input CLK, CE, RESET, OCE, WRE,
  input [13:0] AD,
  input [2:0] BLKSEL,
  input [35:0] DI,
  output reg [35:0] DO
);
  parameter BIT_WIDTH = 36;
  parameter [2:0] BLK_SEL = 3'b0;
  parameter [1:0] WRITE_MODE = 2'b0;
  parameter READ_MODE = 1'b0;
  parameter RESET_MODE = "SYNC";
  `GOWIN_CONTENTS(9)
  initial DO = 36'b0;

  `GOWIN_PORT_9

  always @(posedge CLK) begin
    if (CE && WRE) store(AD, DI, BIT_WIDTH);
    if (RESET) DO <= 36'b0;
    else if (CE && (!WRE || WRITE_MODE == 2)) DO <= look(AD, BIT_WIDTH);
    else if (CE && WRITE_MODE == 1) DO <= DI;
  end
endmodule

module SDPB (
  input CLKA, CEA, RESETA, CLKB, CEB, RESETB, OCE,
  input [13:0] ADA, ADB,
  input [2:0] BLKSELA, BLKSELB,
  input [31:0] DI,
  output reg [31:0] DO
);
  parameter BIT_WIDTH_0 = 32;
  parameter BIT_WIDTH_1 = 32;
  parameter [2:0] BLK_SEL_0 = 3'b0;
  parameter [2:0] BLK_SEL_1 = 3'b0;
  parameter READ_MODE = 1'b0;
  parameter RESET_MODE = "SYNC";
  `GOWIN_CONTENTS(8)
  initial DO = 32'b0;

  `GOWIN_PORT_8

  `GOWIN_MEET

  always @(posedge CLKA) if (CEA) store(ADA, DI, BIT_WIDTH_0);

  always @(posedge CLKB)
    if (RESETB) DO <= 32'b0;
    else if (CEB) DO <= look(ADB, BIT_WIDTH_1) ^ {32{CEA && ADA[13:5] == ADB[13:5] && same && enabled}};
endmodule

module SDPX9B (
  input CLKA, CEA, RESETA, CLKB, CEB, RESETB, OCE,
  input [13:0] ADA, ADB,
  input [2:0] BLKSELA, BLKSELB,
  input [35:0] DI,
  output reg [35:0] DO
);
  parameter BIT_WIDTH_0 = 36;
  parameter BIT_WIDTH_1 = 36;
  parameter [2:0] BLK_SEL_0 = 3'b0;
  parameter [2:0] BLK_SEL_1 = 3'b0;
  parameter READ_MODE = 1'b0;
  parameter RESET_MODE = "SYNC";
  `GOWIN_CONTENTS(9)
  initial DO = 36'b0;

  `GOWIN_PORT_9

  `GOWIN_MEET

  always @(posedge CLKA) if (CEA) store(ADA, DI, BIT_WIDTH_0);

  always @(posedge CLKB)
    if (RESETB) DO <= 36'b0;
    else if (CEB) DO <= look(ADB, BIT_WIDTH_1) ^ {36{CEA && ADA[13:5] == ADB[13:5] && same && enabled}};
endmodule

module DPX9B (
  input CLKA, CEA, RESETA, OCEA, WREA, CLKB, CEB, RESETB, OCEB, WREB,
  input [13:0] ADA, ADB,
  input [2:0] BLKSELA, BLKSELB,
  input [17:0] DIA, DIB,
  output reg [17:0] DOA, DOB
);
  parameter BIT_WIDTH_0 = 18;
  parameter BIT_WIDTH_1 = 18;
  parameter [2:0] BLK_SEL_0 = 3'b0;
  parameter [2:0] BLK_SEL_1 = 3'b0;
  parameter READ_MODE0 = 1'b0;
  parameter READ_MODE1 = 1'b0;
  parameter [1:0] WRITE_MODE0 = 2'b0;
  parameter [1:0] WRITE_MODE1 = 2'b0;
  parameter RESET_MODE = "SYNC";
  `GOWIN_CONTENTS(9)
  initial DOA = 18'b0;
  initial DOB = 18'b0;

  function [17:0] look(input [13:0] address, input integer width);
    case (width)
      18: look = {bytes[{address[13:4], 1'b1}], bytes[{address[13:4], 1'b0}]};
      default: look = {9'b0, bytes[address[13:3]]};
    endcase
  endfunction

  task store(input [13:0] address, input [17:0] data, input integer width);
    case (width)
      18: begin
        if (address[0]) bytes[{address[13:4], 1'b0}] <= data[8:0];
        if (address[1]) bytes[{address[13:4], 1'b1}] <= data[17:9];
      end
      default: bytes[address[13:3]] <= data[8:0];
    endcase
  endtask

  // In whose bits both addresses are the same, beginning with rows of two bytes.
  wire either = BIT_WIDTH_0 == 18 || BIT_WIDTH_1 == 18;
  wire same = ADA[13:4] == ADB[13:4] && (either || ADA[3] == ADB[3]);

  always @(posedge CLKA) if (CEA && WREA) store(ADA, DIA, BIT_WIDTH_0);
  always @(posedge CLKA)
    if (RESETA) DOA <= 18'b0;
    else if (CEA) begin
      if (!WREA) DOA <= look(ADA, BIT_WIDTH_0) ^ {18{CEB && WREB && same}};
      else if (WRITE_MODE0 == 2'b01) DOA <= DIA;
    end

  always @(posedge CLKB) if (CEB && WREB) store(ADB, DIB, BIT_WIDTH_1);
  always @(posedge CLKB)
    if (RESETB) DOB <= 18'b0;
    else if (CEB) begin
      if (!WREB) DOB <= look(ADB, BIT_WIDTH_1) ^ {18{CEA && WREA && same}};
      else if (WRITE_MODE1 == 2'b01) DOB <= DIB;
    end
endmodule
