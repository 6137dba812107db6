import Foundation

/// What is known of the terminal that progress is shown on.
package struct Terminal: Sendable {
  /// Whether someone watches, so that lines may be redrawn.
  package var isInteractive: Bool
  /// Whether nothing at all should be shown.
  package var isQuiet: Bool
  /// Whether colour may be used; it never carries meaning alone.
  package var usesColor: Bool
  /// Whether characters beyond ASCII are shown as such.
  package var usesUnicode: Bool
  /// Columns, asked for at each drawing because windows are resized.
  package var width: @Sendable () -> Int

  package init(
    isInteractive: Bool, isQuiet: Bool = false, usesColor: Bool = false,
    usesUnicode: Bool = true, width: @escaping @Sendable () -> Int = { 80 }
  ) {
    self.isInteractive = isInteractive
    self.isQuiet = isQuiet
    self.usesColor = usesColor
    self.usesUnicode = usesUnicode
    self.width = width
  }

  /// Standard error as it is, respecting `NO_COLOR` (no-color.org), `TERM` and the locale.
  package static func standardError(
    isQuiet: Bool, environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Terminal {
    let isDumb = environment["TERM"] == "dumb"
    let isInteractive = isatty(STDERR_FILENO) == 1 && !isDumb
    let noColor = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }
      .first { !$0.isEmpty }
    let isUnicode = locale.map { $0.lowercased().contains("utf") } ?? false
    return Terminal(
      isInteractive: isInteractive, isQuiet: isQuiet, usesColor: isInteractive && !noColor,
      usesUnicode: isUnicode, width: { columns(of: STDERR_FILENO) ?? 80 })
  }

  /// Columns of the terminal that standard output is; nil when it is none.
  package static var standardOutputWidth: Int? { columns(of: STDOUT_FILENO) }

  private static func columns(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}
