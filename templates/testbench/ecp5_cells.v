// Behavioural models of the cells that Yosys maps to on ECP5 alone, written for fast simulation: no
// timing; trellis_cells.v has the others. After the descriptions in Lattice's ECP5 primitives
// library; locgen's tests compare them with the models that Yosys ships, where it ships one. A cell
// that is missing here is an error, never a black box.

// Two LUTs and two bits of a carry chain, which starts anew where INJECT1 is YES.
module CCU2C (
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
  wire generate0 = CHAIN0 & INIT0[{B0, A0}];
  wire generate1 = CHAIN1 & INIT1[{B1, A1}];
  wire middle = lut0 ? CIN : generate0;
  assign S0 = lut0 ^ (CHAIN0 & CIN);
  assign S1 = lut1 ^ (CHAIN1 & middle);
  assign COUT = lut1 ? middle : generate1;
endmodule

// 18 kbit: 2,048 bytes of nine bits. A port is 1, 2, 4, 9, 18 or 36 bits wide and its address counts
// bits of four to the half byte; with 18 and 36 the lowest address bits enable bytes. Only port A
// writes 36, and then B alone reads; 36 bits go through the pins of both. A write shows nothing on
// its own port unless WRITEMODE says so. What one port reads where the other writes at the same time
// is not defined, so it is shown inverted: no simulation passes that uses it.
module DP16KD (
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG";
  parameter REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000";
  parameter CSDECODE_B = "0b000";
  parameter CLKAMUX = "CLKA";
  parameter CLKBMUX = "CLKB";
  parameter WRITEMODE_A = "NORMAL";
  parameter WRITEMODE_B = "NORMAL";
  parameter GSR = "ENABLED";
  parameter INITVAL = "";
  parameter [319:0] INITVAL_00 = 320'b0;
  parameter [319:0] INITVAL_01 = 320'b0;
  parameter [319:0] INITVAL_02 = 320'b0;
  parameter [319:0] INITVAL_03 = 320'b0;
  parameter [319:0] INITVAL_04 = 320'b0;
  parameter [319:0] INITVAL_05 = 320'b0;
  parameter [319:0] INITVAL_06 = 320'b0;
  parameter [319:0] INITVAL_07 = 320'b0;
  parameter [319:0] INITVAL_08 = 320'b0;
  parameter [319:0] INITVAL_09 = 320'b0;
  parameter [319:0] INITVAL_0A = 320'b0;
  parameter [319:0] INITVAL_0B = 320'b0;
  parameter [319:0] INITVAL_0C = 320'b0;
  parameter [319:0] INITVAL_0D = 320'b0;
  parameter [319:0] INITVAL_0E = 320'b0;
  parameter [319:0] INITVAL_0F = 320'b0;
  parameter [319:0] INITVAL_10 = 320'b0;
  parameter [319:0] INITVAL_11 = 320'b0;
  parameter [319:0] INITVAL_12 = 320'b0;
  parameter [319:0] INITVAL_13 = 320'b0;
  parameter [319:0] INITVAL_14 = 320'b0;
  parameter [319:0] INITVAL_15 = 320'b0;
  parameter [319:0] INITVAL_16 = 320'b0;
  parameter [319:0] INITVAL_17 = 320'b0;
  parameter [319:0] INITVAL_18 = 320'b0;
  parameter [319:0] INITVAL_19 = 320'b0;
  parameter [319:0] INITVAL_1A = 320'b0;
  parameter [319:0] INITVAL_1B = 320'b0;
  parameter [319:0] INITVAL_1C = 320'b0;
  parameter [319:0] INITVAL_1D = 320'b0;
  parameter [319:0] INITVAL_1E = 320'b0;
  parameter [319:0] INITVAL_1F = 320'b0;
  parameter [319:0] INITVAL_20 = 320'b0;
  parameter [319:0] INITVAL_21 = 320'b0;
  parameter [319:0] INITVAL_22 = 320'b0;
  parameter [319:0] INITVAL_23 = 320'b0;
  parameter [319:0] INITVAL_24 = 320'b0;
  parameter [319:0] INITVAL_25 = 320'b0;
  parameter [319:0] INITVAL_26 = 320'b0;
  parameter [319:0] INITVAL_27 = 320'b0;
  parameter [319:0] INITVAL_28 = 320'b0;
  parameter [319:0] INITVAL_29 = 320'b0;
  parameter [319:0] INITVAL_2A = 320'b0;
  parameter [319:0] INITVAL_2B = 320'b0;
  parameter [319:0] INITVAL_2C = 320'b0;
  parameter [319:0] INITVAL_2D = 320'b0;
  parameter [319:0] INITVAL_2E = 320'b0;
  parameter [319:0] INITVAL_2F = 320'b0;
  parameter [319:0] INITVAL_30 = 320'b0;
  parameter [319:0] INITVAL_31 = 320'b0;
  parameter [319:0] INITVAL_32 = 320'b0;
  parameter [319:0] INITVAL_33 = 320'b0;
  parameter [319:0] INITVAL_34 = 320'b0;
  parameter [319:0] INITVAL_35 = 320'b0;
  parameter [319:0] INITVAL_36 = 320'b0;
  parameter [319:0] INITVAL_37 = 320'b0;
  parameter [319:0] INITVAL_38 = 320'b0;
  parameter [319:0] INITVAL_39 = 320'b0;
  parameter [319:0] INITVAL_3A = 320'b0;
  parameter [319:0] INITVAL_3B = 320'b0;
  parameter [319:0] INITVAL_3C = 320'b0;
  parameter [319:0] INITVAL_3D = 320'b0;
  parameter [319:0] INITVAL_3E = 320'b0;
  parameter [319:0] INITVAL_3F = 320'b0;
  localparam [20479:0] INIT = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };
  localparam WIDE = DATA_WIDTH_A == 36;

  wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] low = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] high = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  reg [35:0] shown_a, shown_b;
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = DATA_WIDTH_B == 36 ? shown_b[17:0] : shown_a[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = DATA_WIDTH_B == 36 ? shown_b[35:18] : shown_b[17:0];

  reg [8:0] bytes [0:2047];
  integer byte_number;
  // Rows of 18 bits stand 20 bits apart in the initial contents.
  initial begin
    for (byte_number = 0; byte_number < 2048; byte_number = byte_number + 1)
      bytes[byte_number] = INIT[20 * (byte_number / 2) + 9 * (byte_number % 2) +: 9];
    shown_a = 36'b0;
    shown_b = 36'b0;
  end

  function [35:0] look(input [13:0] address, input integer width);
    case (width)
      36: look = {bytes[{address[13:5], 2'd3}], bytes[{address[13:5], 2'd2}],
                  bytes[{address[13:5], 2'd1}], bytes[{address[13:5], 2'd0}]};
      18: look = {18'b0, bytes[{address[13:4], 1'b1}], bytes[{address[13:4], 1'b0}]};
      9: look = {27'b0, bytes[address[13:3]]};
      4: look = {32'b0, bytes[address[13:3]][{address[2], 2'b0} +: 4]};
      2: look = {34'b0, bytes[address[13:3]][{address[2:1], 1'b0} +: 2]};
      default: look = {35'b0, bytes[address[13:3]][address[2:0]]};
    endcase
  endfunction

  task store(input [13:0] address, input [35:0] data, input integer width);
    case (width)
      36: begin
        if (address[0]) bytes[{address[13:5], 2'd0}] <= data[8:0];
        if (address[1]) bytes[{address[13:5], 2'd1}] <= data[17:9];
        if (address[2]) bytes[{address[13:5], 2'd2}] <= data[26:18];
        if (address[3]) bytes[{address[13:5], 2'd3}] <= data[35:27];
      end
      18: begin
        if (address[0]) bytes[{address[13:4], 1'b0}] <= data[8:0];
        if (address[1]) bytes[{address[13:4], 1'b1}] <= data[17:9];
      end
      9: bytes[address[13:3]] <= data[8:0];
      4: bytes[address[13:3]][{address[2], 2'b0} +: 4] <= data[3:0];
      2: bytes[address[13:3]][{address[2:1], 1'b0} +: 2] <= data[1:0];
      default: bytes[address[13:3]][address[2:0]] <= data[0];
    endcase
  endtask

  // In whose bits both addresses are the same, beginning with rows of four bytes.
  localparam BELOW = DATA_WIDTH_A > DATA_WIDTH_B ? DATA_WIDTH_A : DATA_WIDTH_B;
  wire [13:0] differ = address_a ^ address_b;
  wire same = differ[13:5] == 0 && (BELOW >= 36 || differ[4] == 0 && (BELOW >= 18 || differ[3] == 0
    && (BELOW >= 9 || differ[2] == 0 && (BELOW >= 4 || differ[1] == 0 && (BELOW >= 2 || differ[0] == 0)))));
  // With byte enables, if there is one.
  wire undefined_a = same & CEB & WEB & (DATA_WIDTH_B != 18 || address_b[1:0] != 0);
  wire undefined_b = same & CEA & WEA & (DATA_WIDTH_A != 18 || address_a[1:0] != 0)
    & (DATA_WIDTH_A != 36 || address_a[3:0] != 0);

  always @(posedge CLKA)
    if (CEA) begin
      if (WEA) store(address_a, {WIDE ? high : 18'b0, low}, DATA_WIDTH_A);
      if (!WEA || WRITEMODE_A == "READBEFOREWRITE") shown_a <= look(address_a, DATA_WIDTH_A) ^ {36{undefined_a}};
      if (WEA && WRITEMODE_A == "WRITETHROUGH") shown_a <= {18'b0, low};
      if (RSTA) shown_a <= 36'b0;
    end else if (RSTA) shown_a <= 36'b0;

  always @(posedge CLKB)
    if (CEB) begin
      if (WEB) store(address_b, {18'b0, high}, DATA_WIDTH_B);
      if (!WEB || WRITEMODE_B == "READBEFOREWRITE") shown_b <= look(address_b, DATA_WIDTH_B) ^ {36{undefined_b}};
      if (WEB && WRITEMODE_B == "WRITETHROUGH") shown_b <= {18'b0, high};
      if (RSTB) shown_b <= 36'b0;
    end else if (RSTB) shown_b <= 36'b0;
endmodule
