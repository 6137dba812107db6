/// What a benchmark found, under the keys of one JSON object.
package struct BenchmarkResult: Sendable, Encodable {
  package var what: String
  package var size: String
  package var threads: Int
  /// The figures of the work: seconds of the median repeat, and rates that follow from it.
  package var figures: [String: Double]
  /// The most bytes of memory that the process has ever had.
  package var peakBytes: Int
  /// Bytes of the weights, and of the gradients and moments of the models that learn.
  package var modelBytes: Int

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(what, forKey: Key("what"))
    try container.encode(size, forKey: Key("size"))
    try container.encode(threads, forKey: Key("threads"))
    try container.encode(peakBytes, forKey: Key("peak_bytes"))
    try container.encode(modelBytes, forKey: Key("model_bytes"))
    for (name, value) in figures.sorted(by: { $0.key < $1.key }) {
      try container.encode(value, forKey: Key(name))
    }
  }
}
