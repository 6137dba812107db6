import Settings

enum Schedule: String, CaseIterable, SettingValue {
  case constant
  case linear
}

struct Optimizer: Configurable, Equatable {
  var learningRate = 1e-3
  var clip: Double?
  var schedule = Schedule.linear

  static let fields: [Field<Self>] = [
    Field("learning_rate", \.learningRate, "peak AdamW step size", in: 0...1),
    Field("clip", \.clip, "largest gradient norm", in: Above(0)),
    Field("schedule", \.schedule, "how the step size falls"),
  ]
}

struct Stage: Configurable, Equatable {
  var name = ""
  var weight = 1.0

  static let fields: [Field<Self>] = [
    Field("name", \.name, "what it is called", isRequired: true),
    Field("weight", \.weight, "how much it counts"),
  ]
}

struct Run: Configurable, Equatable {
  var steps = 100
  var title = "no"
  var quiet = false
  var warmup = 10...20
  var layers: [Int] = [1, 2]
  var optimizer = {
    var optimizer = Optimizer()
    optimizer.learningRate = 0.5
    return optimizer
  }()
  var teacher: Optimizer?
  var stages: [Stage] = []
  var factors = SettingMap([.init(name: "true", value: 2.0)])

  static let fields: [Field<Self>] = [
    Field("steps", \.steps, "optimizer steps", in: 1...),
    Field("title", \.title, "shown on top"),
    Field("quiet", \.quiet, "no progress"),
    Field("warmup", \.warmup, "steps of rising rate"),
    Field("layers", \.layers, "layers that are frozen"),
    Field("optimizer", \.optimizer, "how weights move"),
    Field("teacher", \.teacher, "a second optimizer"),
    Field("stages", \.stages, "what is done"),
    Field("factors", \.factors, "factors by name"),
  ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    if warmup.upperBound > steps {
      throw location.key("warmup").error("warm-up outlasts the run", advice: "shorten it")
    }
  }
}

struct Teaching: Configurable {
  var teacher: Optimizer? = {
    var optimizer = Optimizer()
    optimizer.schedule = .constant
    return optimizer
  }()

  static let fields: [Field<Self>] = [Field("teacher", \.teacher, "an optimizer by default")]
}

/// The configuration of a document with overrides, or the description of what refused it.
func outcome(_ yaml: String, set assignments: String...) -> Result<Run, Failure> {
  do throws(SettingsError) {
    var document = try SettingsDocument(yaml: yaml, file: "run.yaml")
    for assignment in assignments { try document.set(assignment) }
    return .success(try document.read(Run.self))
  } catch {
    return .failure(Failure(text: error.description))
  }
}

struct Failure: Error, Equatable {
  let text: String
}
