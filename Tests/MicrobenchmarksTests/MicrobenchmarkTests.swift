import Testing

@testable import microbenchmarks

@Suite("Microbenchmarks")
struct MicrobenchmarkTests {
  @Test("each runs, counts its work and has a name of its own")
  func all() throws {
    let benchmarks = try Microbenchmark.all()
    for benchmark in benchmarks {
      try benchmark.run()
      #expect(benchmark.amount > 0, "\(benchmark.name)")
    }
    #expect(Set(benchmarks.map(\.name)).count == benchmarks.count)
  }

  @Test("there are some of kernels, attention, tape, tokenizer and safetensors")
  func parts() throws {
    let parts = Set(try Microbenchmark.all().map { $0.name.prefix { $0 != "/" } })
    #expect(parts == ["kernels", "products", "attention", "tape", "tokenizer", "safetensors"])
  }
}
