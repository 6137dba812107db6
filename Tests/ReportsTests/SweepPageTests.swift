import Foundation
import RunRecords
import Statistics
import Testing

@testable import Reports

@Suite("The page of a sweep")
struct SweepPageTests {
  @Test("has the peak of a fit with its interval, or says that there is none within the data")
  func peaks() throws {
    func peak(_ bends: [Double]) throws -> String {
      let distances = [0, 0.5, 1, 1.5, 2, 2.5]
      var fits = OveroptimizationTable.Fits()
      for bend in bends {
        let rewards = distances.map { $0 * (2 - bend * $0) }
        for (form, path) in [
          (OveroptimizationFit.Form.linear, \OveroptimizationTable.Fits.linear),
          (.logarithmic, \.logarithmic),
        ] {
          fits[keyPath: path].append(
            try #require(OveroptimizationFit(form, distances: distances, rewards: rewards)))
        }
      }
      return fits.peak.replacing("\u{A0}", with: " ")
    }
    #expect(try peak([0.5]) == "2.00 [2.00, 2.00]")
    // 2 and 2.222: sd 0.157, t(1) 12.706.
    #expect(try peak([0.5, 0.45]) == "2.11 [0.70, 3.52]")
    // At 2.63, beyond 2.5.
    #expect(try peak([0.5, 0.5, 0.38]) == "no peak within the data on 1 of 3 seeds")
    // β over seeds: 0.255 ± 3.1.
    #expect(try peak([0.5, 0.01]) == "no peak within the data")
    #expect(try peak([0.01]) == "no peak within the data")
  }

  @Test(
    "fits the window, wide and narrow; its tables are moved sideways within their own box",
    .enabled(if: Browser.place != nil, "chromium is not installed; install it to see pages opened"))
  func widths() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("rlhf-sim-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    var cells: [SweepResult] = []
    for (size, seed) in [("small", 1), ("small", 2), ("large", 1), ("large", 2)] {
      cells.append(
        SweepResult(
          run: "cells/\(size)-\(seed)", labels: [size, "16000"], seed: UInt64(seed), status: "done",
          error: nil))
      _ = try ExampleRun.write(to: url.appendingPathComponent("cells/\(size)-\(seed)"))
    }
    cells.append(
      SweepResult(
        run: "cells/none", labels: ["none", "16000"], seed: 1, status: "failed",
        error: "exit status 3"))
    let page = url.appendingPathComponent("index.html")
    try SweepReport.write(
      SweepResults(
        plan: "Sizes", axes: ["size", "reward.pairs_used"], cells: cells, in: url), to: page)
    #expect(
      try String(contentsOf: page, encoding: .utf8).contains("Failed: cells/none: exit status 3"))
    let browser = try Browser(in: url.appendingPathComponent("browser"))
    defer { browser.close() }
    for width in [1280, 390] {
      try browser.open(page, width: width, isDark: false, isPrinted: false)
      for (name, script) in PageChecks.all {
        let found = try browser.list(script)
        #expect(found.isEmpty, "\(width), \(name): \(found)")
      }
      let isMoved = "document.querySelector('#fits .scroll').scrollWidth > "
      #expect(
        try browser.number("\(isMoved)document.querySelector('#fits .scroll').clientWidth ? 1 : 0")
          == (width == 1280 ? 0 : 1))
    }
    #expect(browser.console.isEmpty, "\(browser.console)")
  }
}
