// Feeds one row a cycle into `core` and writes what comes out, one line a row; the first line is
// the latency in cycles.
module bench;
  parameter INPUT = 1, OUTPUT = 1, ROWS = 1;
  reg [INPUT-1:0] rows [0:ROWS-1];
  reg clk = 0;
  reg valid = 0;
  reg [INPUT-1:0] row = 0;
  wire [OUTPUT-1:0] scores;
  wire arrived;
  integer fed = 0, cycle = 0, seen = 0, file;
  core core(.clk(clk), .i__payload(row), .i__valid(valid), .o__payload(scores), .o__valid(arrived));
  always #5 clk = ~clk;
  initial begin
    $readmemh("rows.hex", rows);
    file = $fopen("scores.hex", "w");
  end
  always @(negedge clk) begin
    cycle <= cycle + 1;
    if (cycle > ROWS + 1000) begin $display("no answer"); $finish; end
    if (cycle >= 100) begin
      valid <= fed < ROWS;
      row <= fed < ROWS ? rows[fed] : 0;
      fed <= fed + 1;
      if (arrived === 1'b1) begin
        if (seen == 0) $fdisplay(file, "%0d", cycle - 100);
        $fdisplay(file, "%h", scores);
        seen <= seen + 1;
        if (seen == ROWS - 1) $finish;
      end
    end
  end
endmodule
