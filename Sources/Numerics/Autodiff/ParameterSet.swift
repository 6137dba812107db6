/// The named tensors that training changes, in a fixed order. A parameter is known by its index.
package struct ParameterSet: Sendable {
  package private(set) var names: [String] = []
  package var tensors: [Tensor] = []
  /// Which parameters training leaves alone; they cost no gradient.
  package var isFrozen: [Bool] = []
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
      guard let addend = other.tensors[index] else { continue }
      if tensors[index]?.add(addend) == nil { tensors[index] = addend }
    }
  }

  /// The Euclidean norm of all gradients together.
  package var norm: Double {
    tensors.reduce(0) { $0 + ($1?.sumOfSquares ?? 0) }.squareRoot()
  }

  /// The index of the first parameter whose gradient holds an infinity or a NaN.
  package var firstNonFinite: Int? { tensors.firstIndex { !($0?.isFinite ?? true) } }
}
