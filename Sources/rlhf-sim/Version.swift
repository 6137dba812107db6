/// The version of the program, as `--version` and run.json give it.
let version = "0.1.0"
