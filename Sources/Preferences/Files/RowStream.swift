/// Rows that can be gone through again and again, wherever they are: of rows in a file, no more than
/// one is in memory.
package protocol RowStream<Row> {
  associatedtype Row

  /// Calls `body` with every row in order.
  ///
  /// - Throws: what reading the rows throws, and whatever `body` throws.
  func forEachRow(_ body: (Row) throws -> Void) throws
}

extension RowStream {
  /// Calls `body` with the rows in order until it returns false.
  package func forRows(while body: (Row) throws -> Bool) throws {
    do {
      try forEachRow { if try !body($0) { throw Enough() } }
    } catch is Enough {}
  }
}

private struct Enough: Error {}

extension Array: RowStream {
  package func forEachRow(_ body: (Element) throws -> Void) throws { try forEach(body) }
}
