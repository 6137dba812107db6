/// The version of the program, as `--version`, run.json and model cards give it.
package let programVersion = "0.1.0"
