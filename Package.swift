// swift-tools-version: 6.1
import PackageDescription

/// Every room is a target, and its dependencies are the only rooms it may see.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]
/// Holds the kernels to one x86-64 level: 1 (SSE2) or 3 (AVX2). For tests: see
/// `script/test_processors`.
let kernelLevel = Context.environment["RLHF_SIM_KERNEL_LEVEL"]
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

func room(_ name: String, sees dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(of name: String, sees dependencies: [Target.Dependency] = [], fixtures: Bool = false)
  -> Target
{
  .testTarget(
    name: name + "Tests", dependencies: [.init(stringLiteral: name)] + dependencies,
    exclude: fixtures ? ["Fixtures"] : [], swiftSettings: strict)
}

let package = Package(
  name: "rlhf-sim",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "rlhf-sim", targets: ["rlhf-sim"]),
    // For the nested package `Benchmarks`.
    .library(name: "Microbenchmarks", targets: ["Microbenchmarks"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // The machine: libraries in C and the elementwise kernels.
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
    .systemLibrary(
      name: "CJemalloc", pkgConfig: "jemalloc",
      providers: [.apt(["libjemalloc-dev"]), .brew(["jemalloc"])]),
    .target(name: "CAllocatorOptions"),
    .target(
      name: "CVectorMath", cSettings: kernelLevel.map { [.define("KERNEL_LEVEL", to: $0)] } ?? []),

    // Files and text formats.
    room("AtomicFiles"),
    room("OrderedJSON"),
    room("Settings", sees: [yams]),

    // Mathematics.
    room("Tensors", sees: ["COpenBLAS", "CJemalloc", "CAllocatorOptions", "CVectorMath"]),
    room("Autodiff", sees: ["Tensors", "CVectorMath"]),
    room("Checkpoints", sees: ["Tensors", "OrderedJSON", "AtomicFiles"]),
    room(
      "Transformer", sees: ["Autodiff", "Tensors", "Checkpoints", "OrderedJSON", "CVectorMath"]),

    // Language and the world.
    room("Tokenizers", sees: ["OrderedJSON"]),
    room("Worlds", sees: ["Settings", "Tensors"]),
    room("Preferences", sees: ["Tensors", "OrderedJSON", "AtomicFiles"]),

    // The stages, and what they share.
    room("Training", sees: ["Autodiff", "Tensors", "Settings"]),
    room("Evaluation", sees: ["Transformer", "Autodiff", "Tensors", "CVectorMath"]),
    room("Oracles", sees: ["Transformer", "Autodiff", "Tensors"]),
    room("SupervisedTuning", sees: ["Training", "Transformer", "Autodiff", "Tensors", "Settings"]),
    room(
      "RewardModeling",
      sees: [
        "Training", "Evaluation", "Transformer", "Autodiff", "Tensors", "Settings", "Checkpoints",
        "OrderedJSON",
      ]),
    room(
      "PolicyOptimization",
      sees: [
        "Training", "Evaluation", "Transformer", "Autodiff", "Tensors", "Settings", "CVectorMath",
      ]),

    // How fast the stages are.
    room(
      "Benchmarking",
      sees: [
        "PolicyOptimization", "RewardModeling", "Training", "Transformer", "Autodiff", "Tensors",
      ]),
    room(
      "Microbenchmarks",
      sees: ["Transformer", "Autodiff", "Tensors", "CVectorMath", "Tokenizers", "Checkpoints"]),

    // What is kept and shown.
    room("RunRecords", sees: ["AtomicFiles"]),
    room("Reports", sees: ["RunRecords"]),

    // Everything together.
    room(
      "AlignmentLoop",
      sees: [
        "Settings", "Worlds", "Tokenizers", "Checkpoints", "Preferences", "Transformer",
        "Autodiff", "Tensors", "Training", "SupervisedTuning", "RewardModeling",
        "PolicyOptimization",
        "Evaluation", "Oracles", "RunRecords", "Reports", "OrderedJSON", "AtomicFiles",
      ]),
    .executableTarget(
      name: "rlhf-sim",
      dependencies: [
        "AlignmentLoop", "Settings", "Tokenizers", "Checkpoints", "Preferences", "Transformer",
        "Autodiff", "Tensors", "Training", "RewardModeling", "PolicyOptimization", "Evaluation",
        "RunRecords", "Reports", "OrderedJSON", "AtomicFiles", "Benchmarking", argumentParser,
      ], swiftSettings: strict),

    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
    tests(of: "AtomicFiles"),
    tests(of: "OrderedJSON", sees: ["Tensors"]),
    tests(of: "Settings"),
    tests(of: "Tokenizers", fixtures: true),
    tests(of: "Checkpoints", sees: ["Tensors", "OrderedJSON"]),
    tests(of: "Worlds", sees: ["TestSupport", "Settings", "Tensors"]),
    tests(of: "Preferences", sees: ["Tensors"]),
    tests(of: "RunRecords"),
    tests(of: "Reports", sees: ["RunRecords"]),
    tests(of: "Tensors", sees: ["TestSupport"]),
    tests(of: "Autodiff", sees: ["TestSupport", "Tensors"]),
    tests(of: "Training", sees: ["TestSupport", "Autodiff", "Tensors"]),
    tests(of: "Evaluation", sees: ["TestSupport", "Transformer", "Autodiff", "Tensors"]),
    tests(
      of: "Oracles",
      sees: [
        "TestSupport", "PolicyOptimization", "RewardModeling", "Training", "Evaluation",
        "Transformer", "Autodiff",
        "Tensors",
      ]),
    tests(
      of: "SupervisedTuning",
      sees: ["TestSupport", "Training", "Transformer", "Autodiff", "Tensors"]),
    tests(
      of: "RewardModeling",
      sees: ["TestSupport", "Training", "Evaluation", "Transformer", "Autodiff", "Tensors"]),
    tests(
      of: "PolicyOptimization",
      sees: [
        "TestSupport", "Training", "Evaluation", "Transformer", "Autodiff", "Tensors", "Settings",
      ]),
    tests(of: "Transformer", sees: ["TestSupport", "Autodiff", "Tensors", "Checkpoints"]),
    tests(of: "Microbenchmarks"),
    tests(of: "Benchmarking", sees: ["Transformer", "Autodiff", "Tensors"]),
    tests(
      of: "AlignmentLoop",
      sees: [
        "TestSupport", "Settings", "Worlds", "Tokenizers", "Preferences", "Transformer", "Autodiff",
        "Tensors",
        "Training", "SupervisedTuning", "RewardModeling", "PolicyOptimization", "Evaluation",
        "RunRecords",
      ]),
    .testTarget(
      name: "CommandLineTests", dependencies: ["rlhf-sim", "Tensors", "RunRecords", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ParityTests",
      dependencies: [
        "Transformer", "RewardModeling", "PolicyOptimization", "Training", "Autodiff", "Tensors",
        "Checkpoints", "TestSupport",
      ],
      exclude: ["Fixtures"], swiftSettings: strict),
  ]
)
