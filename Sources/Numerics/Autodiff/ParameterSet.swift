package import Statistics

/// The named tensors that training changes, in a fixed order. A parameter is known by its index.
package struct ParameterSet: Sendable {
  package private(set) var names: [String] = []
  package var tensors: [Tensor] = []
  /// Which parameters training leaves alone; they cost no gradient.
  package var isFrozen: [Bool] = []
  /// Matrices in 16 bits, whose places in `tensors` are empty; of models that are only asked.
  package var narrow: [Int: NarrowTensor] = [:]
  /// By the index of the matrix that each changes.
  var adapters: [Int: Adapter] = [:]

  package init() {}

  /// Adds a parameter and returns its index.
  package mutating func append(_ name: String, _ tensor: Tensor) -> Int {
    names.append(name)
    tensors.append(tensor)
    isFrozen.append(false)
    return names.count - 1
  }

  package var count: Int { names.count }

  /// Moves the parameters to an arena; nothing happens where there is none.
  package mutating func move(to arena: MemoryArena?) {
    for index in tensors.indices { tensors[index] = tensors[index].moved(to: arena) }
  }

  /// The arena that holds all of the parameters; nil where none does, or several.
  package var arena: MemoryArena? {
    guard let arena = tensors.first?.arena else { return nil }
    return tensors.allSatisfy { $0.isHeld(in: arena) } ? arena : nil
  }

  /// Moves the parameters to an arena of their own, unless one holds them already. Whoever makes or
  /// reads a model that is not trained any more does so, that there is no second copy when somebody
  /// wants to know what it takes.
  package mutating func moveToOwnArena() {
    if arena == nil { move(to: MemoryArena()) }
  }

  /// How many numbers all parameters are.
  package var elementCount: Int { tensors.reduce(0) { $0 + $1.count } }

  /// The bytes that all parameters take.
  package var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }
}

/// One gradient per parameter of a ``ParameterSet``; nil where the loss does not depend on it or
/// where it is frozen.
package struct Gradients: Sendable {
  package var tensors: [Tensor?]

  package init(count: Int) { tensors = Array(repeating: nil, count: count) }

  /// self ← self + other
  package mutating func add(_ other: consuming Gradients) {
    for index in tensors.indices {
      if let gradient = other.tensors[index] { add(gradient, to: index) }
    }
  }

  /// Adds to the gradient of one parameter; the first one is stored without a copy.
  mutating func add(_ gradient: Tensor, to index: Int) {
    if tensors[index]?.add(gradient) == nil { tensors[index] = gradient }
  }

  /// The Euclidean norm of all gradients together.
  package var norm: Double {
    tensors.reduce(0) { $0 + ($1?.sumOfSquares ?? 0) }.squareRoot()
  }

  /// The index of the parameter with the largest gradient; nil without any.
  package var largest: Int? {
    tensors.indices.filter { tensors[$0] != nil }.max {
      (tensors[$0]?.sumOfSquares ?? 0) < (tensors[$1]?.sumOfSquares ?? 0)
    }
  }

  /// The index of the first parameter whose gradient holds an infinity or a NaN.
  package var firstNonFinite: Int? { tensors.firstIndex { !($0?.isFinite ?? true) } }
}

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
    let down = append(
      names[index] + ".lora_a",
      .gaussian([rank, inputs], sd: 1 / Double(inputs).squareRoot(), using: &generator))
    let up = append(names[index] + ".lora_b", Tensor(zeros: [outputs, rank]))
    adapters[index] = Adapter(down: down, up: up, scale: Float(scale))
  }

  /// A parameter as it is used: with its adapter, if it has one.
  package func effective(_ index: Int) -> Tensor {
    if let narrow = narrow[index] { return narrow.widened }
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
