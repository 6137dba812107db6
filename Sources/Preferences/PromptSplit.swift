package import Tensors

extension [PreferenceRow] {
  /// Splits into rows to train on and rows held out, so that no prompt is on both sides: a model
  /// that remembers prompts gains nothing by it.
  ///
  /// Prompts are drawn in random order until at least `heldOutFraction` of the rows are held out;
  /// one prompt always stays for training. Both parts keep the order of the rows.
  package func splitByPrompt(
    heldOutFraction: Double, generator: inout SeededGenerator
  ) -> (training: [PreferenceRow], heldOut: [PreferenceRow]) {
    precondition((0...1).contains(heldOutFraction), "a fraction is from 0 to 1")
    var counts: [String: Int] = [:]
    var prompts: [String] = []  // in order of first appearance
    for row in self {
      if counts[row.prompt] == nil { prompts.append(row.prompt) }
      counts[row.prompt, default: 0] += 1
    }
    let wanted = Double(count) * heldOutFraction
    var heldOut: Set<String> = []
    var rows = 0
    for index in generator.permutation(of: prompts.count).dropLast() {
      if Double(rows) >= wanted { break }
      heldOut.insert(prompts[index])
      rows += counts[prompts[index]] ?? 0
    }
    return (
      filter { !heldOut.contains($0.prompt) }, filter { heldOut.contains($0.prompt) }
    )
  }
}
