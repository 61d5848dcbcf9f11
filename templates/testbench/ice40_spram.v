// The UP5K's large memory, apart from ice40_cells.v because tools take long to read it. Written
// after Lattice's "iCE40 SPRAM Usage Guide"; locgen's tests compare it with Yosys's model.
//
// 256 kbit of single-port memory: what it holds after power-up is not defined, here all ones. A
// mask bit covers four data bits. STANDBY, SLEEP and POWEROFF (active low) must be at rest.
module SB_SPRAM256KA (
  input [13:0] ADDRESS,
  input [15:0] DATAIN,
  input [3:0] MASKWREN,
  input WREN, CHIPSELECT, CLOCK, STANDBY, SLEEP, POWEROFF,
  output reg [15:0] DATAOUT
);
  reg [15:0] memory [0:16383];
  integer word;
  initial begin
    for (word = 0; word < 16384; word = word + 1) memory[word] = 16'hffff;
    DATAOUT = 16'b0;
  end
  always @(posedge CLOCK)
    if (CHIPSELECT && !STANDBY && !SLEEP && POWEROFF) begin
      if (!WREN) DATAOUT <= memory[ADDRESS];
      else begin
        if (MASKWREN[0]) memory[ADDRESS][3:0] <= DATAIN[3:0];
        if (MASKWREN[1]) memory[ADDRESS][7:4] <= DATAIN[7:4];
        if (MASKWREN[2]) memory[ADDRESS][11:8] <= DATAIN[11:8];
        if (MASKWREN[3]) memory[ADDRESS][15:12] <= DATAIN[15:12];
      end
    end
endmodule
