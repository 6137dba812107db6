// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]
/// Holds the kernels to one x86-64 level: 1 (SSE2) or 3 (AVX2). For tests: see
/// `script/test_processors`.
let kernelLevel = Context.environment["RLHF_SIM_KERNEL_LEVEL"]

/// For tests, which build in two thirds of the time so; what they call is optimized.
let unoptimized: [SwiftSetting] = [.unsafeFlags(["-Onone"])]

func module(_ name: String, sees dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(of name: String, sees dependencies: [Target.Dependency] = [], fixtures: Bool = false)
  -> Target
{
  .testTarget(
    name: name + "Tests", dependencies: ["TestSupport"] + dependencies,
    exclude: fixtures ? ["Fixtures"] : [], swiftSettings: strict + unoptimized)
}

/// The modules that read files.
let readers: [Target.Dependency] = [
  "Experiments", "LanguageModels", "Preferences", "RunRecords", "Settings", "Worlds", "Formats",
]

let package = Package(
  name: "rlhf-sim",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "rlhf-sim", targets: ["rlhf-sim"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  // A module may import what it sees, and nothing else. Below, no module sees a later one.
  targets: [
    // OpenBLAS: matrix products. jemalloc: the allocator of the whole process, and what it says of
    // memory.
    .systemLibrary(
      name: "CNumerics", pkgConfig: "openblas jemalloc",
      providers: [
        .apt(["libopenblas-dev", "libjemalloc-dev"]), .brew(["openblas", "jemalloc"]),
      ]),
    // zlib: gzip.
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    // Elementwise kernels and small products in C; the allocator's options.
    .target(
      name: "CKernels", cSettings: kernelLevel.map { [.define("KERNEL_LEVEL", to: $0)] } ?? []),

    // Means, intervals, calibration, agreement; the seeded generator; what metrics are called and
    // mean; numbers as text.
    module("Statistics"),
    // Files that are written whole or not at all; JSON whose keys keep their order; gzip.
    module("Formats", sees: ["CZlib"]),
    // Strict YAML into typed settings.
    module("Settings", sees: ["Formats", .product(name: "Yams", package: "Yams")]),
    // Grammar, gold reward and annotators.
    module("Worlds", sees: ["Settings", "Statistics"]),
    // Rows of preferences as files have them.
    module("Preferences", sees: ["Formats", "Statistics"]),
    // Tensors, the tape with its operations, AdamW, workers.
    module("Numerics", sees: ["CNumerics", "CKernels", "Statistics"]),
    // The one decoder under two heads, sampling, tokenizers, Hugging Face files.
    module("LanguageModels", sees: ["Numerics", "Statistics", "Formats", "CKernels"]),
    // The algorithms: SFT, reward model, PPO, DPO. They know no files, terminals or worlds.
    module(
      "RLHF",
      sees: ["LanguageModels", "Numerics", "Statistics", "Settings", "Formats", "CKernels"]),
    // Small worlds listed whole in Float64: the optimum and everything else that is exact.
    module("Oracles", sees: ["LanguageModels", "Numerics", "Statistics"]),
    // What a run keeps: directory, metrics, samples, TensorBoard events; the progress line.
    module("RunRecords", sees: ["Formats", "Statistics"]),
    // What people are shown: charts, sections, pages.
    module("Reports", sees: ["RunRecords", "Preferences", "Settings", "Statistics"]),
    // The stages put together, on worlds and on files that users give; what `bench` times.
    module(
      "Experiments",
      sees: [
        "RLHF", "Oracles", "Worlds", "Preferences", "LanguageModels", "Numerics", "Statistics",
        "Settings", "RunRecords", "Reports", "Formats", "CKernels",
      ]),
    // The commands: parse, call, print.
    .executableTarget(
      name: "rlhf-sim",
      dependencies: [
        "Experiments", "RLHF", "Preferences", "LanguageModels", "Numerics", "Statistics",
        "Settings", "RunRecords", "Reports", "Formats",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),

    // Small pieces of the program, timed alone; see Benchmarks/README.md.
    .executableTarget(
      name: "microbenchmarks",
      dependencies: [
        "LanguageModels", "Numerics", "Statistics", "CKernels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Benchmarks/Sources", swiftSettings: strict),

    .target(
      name: "TestSupport", dependencies: ["Statistics"], path: "Tests/TestSupport",
      swiftSettings: strict),
    tests(of: "Statistics", sees: ["Statistics"]),
    tests(of: "AtomicFiles", sees: ["Formats"]),
    tests(of: "FileReaders", sees: readers + ["Numerics", "Statistics"], fixtures: true),
    tests(of: "OrderedJSON", sees: ["Formats", "Statistics"]),
    tests(of: "Settings", sees: ["Settings"]),
    tests(of: "Worlds", sees: ["Worlds", "Settings", "Statistics"]),
    tests(of: "Preferences", sees: ["Preferences", "Numerics", "Statistics"]),
    tests(of: "Tensors", sees: ["Numerics", "CKernels", "Statistics"]),
    tests(of: "Autodiff", sees: ["Numerics", "Statistics"]),
    tests(of: "Tokenizers", sees: ["LanguageModels", "Formats"], fixtures: true),
    tests(of: "ChatTemplates", sees: ["LanguageModels", "Formats"], fixtures: true),
    tests(of: "Checkpoints", sees: ["LanguageModels", "Numerics", "Formats", "Statistics"]),
    tests(of: "Transformer", sees: ["LanguageModels", "Formats", "Numerics", "Statistics"]),
    tests(of: "Training", sees: ["RLHF", "Numerics", "Statistics"]),
    tests(of: "SupervisedTuning", sees: ["RLHF", "LanguageModels", "Numerics", "Statistics"]),
    tests(of: "RewardModeling", sees: ["RLHF", "LanguageModels", "Numerics", "Statistics"]),
    tests(
      of: "PolicyOptimization",
      sees: ["RLHF", "LanguageModels", "Numerics", "Statistics", "Settings"]),
    tests(of: "Oracles", sees: ["Oracles", "RLHF", "LanguageModels", "Numerics", "Statistics"]),
    tests(of: "RunRecords", sees: ["RunRecords", "Formats", "Statistics"]),
    tests(of: "Reports", sees: ["Reports", "RunRecords", "Preferences", "Statistics"]),
    tests(
      of: "Experiments",
      sees: [
        "Experiments", "RLHF", "Worlds", "Preferences", "LanguageModels", "Numerics", "Statistics",
        "Settings", "RunRecords",
      ]),
    tests(of: "Benchmarking", sees: ["Experiments", "LanguageModels", "Numerics", "Statistics"]),
    tests(of: "Microbenchmarks", sees: ["microbenchmarks"]),
    .testTarget(
      name: "CommandLineTests",
      dependencies: ["rlhf-sim", "Numerics", "Statistics", "RunRecords", "TestSupport"],
      swiftSettings: strict + unoptimized),
    tests(
      of: "Parity", sees: ["RLHF", "LanguageModels", "Formats", "Numerics", "Statistics"],
      fixtures: true),
  ]
)

// What script/fuzz runs in place of its tests; a build without it is as quick as before.
if Context.environment["RLHF_SIM_FUZZING"] != nil {
  package.targets.removeAll { $0.name == "FileReadersTests" }
  package.targets.append(
    .executableTarget(
      name: "fuzzing", dependencies: readers, path: "Tests/FileReadersTests",
      exclude: ["DamagedFileTests.swift", "Fixtures"], swiftSettings: strict))
}
