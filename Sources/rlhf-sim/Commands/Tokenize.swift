import ArgumentParser
import Formats
import Foundation
import LanguageModels

/// Texts and conversations as a model reads them: what `script/check_tokenizers.py` and
/// `script/check_chat_template.py` compare with `transformers`. Not listed among the commands.
struct Tokenize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Render conversations by a model's chat template, and encode texts.",
    discussion: """
      Rows come from standard input, a JSON object a line. "text" becomes "ids" (nothing added), \
      "prompt_ids" (with what the tokenizer puts before a text), "decoded" and "skipping" (without \
      special tokens). "messages", with "tools", "add_generation_prompt" and "variables" or without, \
      become "text", or "error" where the template fails.

      Example: echo '{"text": "a b"}' | rlhf-sim tokenize --model runs/demo/sft
      """,
    shouldDisplay: false)

  @Option(help: "The model's directory.")
  var model: String

  func run() throws {
    let directory = URL(filePath: model)
    let tokenizer = try Tokenizer(directory: directory)
    let templates = try ChatTemplates(directory: directory)
    var parsed: [Bool: ChatTemplate] = [:]  // by whether there are tools
    try Output.writeLines(to: nil) { write in
      var line = 0
      while let text = readLine() {
        line += 1
        let place = "standard input:\(line)"
        guard let row = try? JSONValue(parsing: text.utf8).object else {
          throw TokenizerError.file(path: place, problem: "is no JSON object; write one a line")
        }
        if let text = row["text"]?.string {
          try write(try Self.encoded(text, by: tokenizer).text())
          continue
        }
        guard let messages = row["messages"]?.array?.map(\.object), !messages.contains(nil) else {
          throw TokenizerError.file(path: place, problem: "has neither `text` nor `messages`")
        }
        let tools = row["tools"]?.array
        let template = try parsed[tools != nil] ?? templates.template(forTools: tools != nil)
        parsed[tools != nil] = template
        var variables = tokenizer.templateVariables
        for member in row["variables"]?.object?.members ?? [] {
          variables[member.key] = member.value
        }
        let rendered = Result { () throws(ChatTemplateError) in
          try template.render(
            messages: messages.compactMap(\.self), tools: tools,
            addGenerationPrompt: row["add_generation_prompt"] == .bool(true), variables: variables)
        }
        let result: JSONObject =
          switch rendered {
          case .success(let text): ["text": .string(text)]
          case .failure(let error): ["error": .string("\(error)")]
          }
        try write(try JSONValue.object(result).text())
      }
    }
  }

  private static func encoded(_ text: String, by tokenizer: Tokenizer) -> JSONValue {
    func list(_ ids: [Int32]) -> JSONValue { .array(ids.map { .int(Int($0)) }) }
    let ids = tokenizer.encode(text)
    return .object([
      "ids": list(ids), "prompt_ids": list(tokenizer.encodePrompt(text)),
      "decoded": .string(tokenizer.decode(ids, skippingSpecialTokens: false)),
      "skipping": .string(tokenizer.decode(ids)),
    ])
  }
}
