package import Statistics

/// A low-rank change of a matrix: two parameters that learn in its place.
struct Adapter: Sendable {
  let down: Int  // A [r, I]
  let up: Int  // B [O, r]
  let scale: Float
}

extension ParameterSet {
  /// Gives a matrix W `[O, I]` an adapter: it then counts as W + s · B A wherever it is used, with A
  /// drawn from N(0, 1/I) and B = 0, so that nothing changes yet (Hu et al. 2021). Both are appended
  /// as `NAME.lora_a` and `NAME.lora_b`.
  ///
  /// - Parameters:
  ///   - rank: r.
  ///   - scale: s, such as α / r.
  package mutating func adapt(
    _ index: Int, rank: Int, scale: Double, using generator: inout SeededGenerator
  ) {
    precondition(adapters[index] == nil, "\(names[index]) has an adapter already")
    let (outputs, inputs) = (tensors[index].rows, tensors[index].columns)
    let deviation = 1 / Double(inputs).squareRoot()
    let down = append(
      names[index] + ".lora_a",
      .gaussian([rank, inputs], deviation: deviation, using: &generator))
    let up = append(names[index] + ".lora_b", Tensor(zeros: [outputs, rank]))
    adapters[index] = Adapter(down: down, up: up, scale: Float(scale))
  }

  /// A parameter as it is used: with its adapter, if it has one.
  package func effective(_ index: Int) -> Tensor {
    guard let adapter = adapters[index] else { return tensors[index] }
    return LowRankUpdate.output(
      tensors[index], down: tensors[adapter.down], up: tensors[adapter.up], scale: adapter.scale)
  }

  /// The first parameters alone, each with its adapter merged into it and free to learn.
  package func merged(first count: Int) -> ParameterSet {
    guard count < self.count else { return self }
    var merged = ParameterSet()
    for index in 0..<count {
      let position = merged.append(names[index], effective(index))
      merged.isFrozen[position] = adapters.isEmpty && isFrozen[index]
    }
    return merged
  }

  /// Whether a parameter is one with the same one of another set: the same memory, and no adapters.
  package func isShared(_ index: Int, with other: ParameterSet) -> Bool {
    adapters[index] == nil && other.adapters[index] == nil
      && tensors[index].sharesMemory(with: other.tensors[index])
  }

  /// The bytes that the allocator gave to the parameters, without memory shared with another set.
  package func allocatedBytes(apartFrom other: ParameterSet = ParameterSet()) -> Int {
    Tensor.allocatedBytes(of: tensors, apartFrom: other.tensors)
  }
}
