import Settings
import Testing

@Suite struct OverrideTests {
  @Test("an override wins over the file, whether or not the file has the key")
  func overrides() throws {
    let run = try outcome(
      "steps: 5\nwarmup: 1\nstages: [{name: a}, {name: b}]", set: "steps=7",
      "optimizer.learning_rate=0.25", "layers=[9, 8]", "stages[1].weight=3", "stages.0.name=c",
      "title=a=b", "factors={x: 1}"
    ).get()
    #expect(run.steps == 7)
    #expect(run.optimizer.learningRate == 0.25)
    #expect(run.layers == [9, 8])
    #expect(run.stages.map(\.weight) == [1, 3])
    #expect(run.stages.map(\.name) == ["c", "b"])
    #expect(run.title == "a=b")
    #expect(run.factors.entries.map(\.name) == ["x"])
  }

  @Test(
    "a bad override is refused in the words of the command line",
    arguments: [
      ("steps", "--set steps: there is no `=`; write it as `key.path=value`"),
      (
        "optimizer..clip=1",
        "--set optimizer..clip=1: `optimizer..clip`: a key of the path is empty; "
          + "write it as `key.path=value`"
      ),
      ("=1", "--set =1: a key of the path is empty; write it as `key.path=value`"),
      (
        "optimizer.clop=1",
        "--set optimizer.clop=1: `optimizer.clop`: unknown key; did you mean `clip`?"
      ),
      (
        "optimzer.clip=1",
        "--set optimzer.clip=1: `optimzer`: unknown key; did you mean `optimizer`?"
      ),
      (
        "steps=x",
        "--set steps=x: `steps`: expected a whole number, found `x`; write a whole number here"
      ),
      (
        "steps=",
        "--set steps=: `steps`: expected a whole number, found nothing; write a whole number here"
      ),
      ("steps=0", "--set steps=0: `steps`: 0 is out of range; it must be at least 1"),
      (
        "steps.x=1",
        "--set steps.x=1: `steps.x`: `steps` is a single value, not a section; set `steps` itself"
      ),
      (
        "layers.2=1",
        "--set layers.2=1: `layers.2`: `layers` is a list of 2; "
          + "name one of its items, counted from 0, or give the whole list"
      ),
    ])
  func refusals(assignment: String, message: String) {
    let result = outcome("steps: 30\nlayers: [1, 2]", set: assignment)
    #expect(result == .failure(Failure(text: message)))
  }

  @Test("errors at keys beside an override name the line of the file")
  func neighbours() {
    let result = outcome("optimizer:\n  clip: x", set: "optimizer.learning_rate=0.1")
    let message =
      "run.yaml:2: `optimizer.clip`: expected a number, found `x`; write a number here"
    #expect(result == .failure(Failure(text: message)))
  }
}
