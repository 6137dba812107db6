import Foundation
package import Settings

/// One simulated annotator: how it turns gold rewards into judgements.
package struct AnnotatorConfiguration: Configurable, Equatable {
  package var name = ""
  package var share = 1.0
  package var temperature = 0.5
  package var flip = 0.0
  package var lengthBias = 0.0
  package var positionBias = 0.0

  package init() {}

  package static let fields: [Field<Self>] = [
    Field("name", \.name, "what the annotator is called in the preference rows", isRequired: true),
    Field(
      "share", \.share, "part of the judgements it gives, relative to the others", in: Above(0)),
    Field(
      "temperature", \.temperature,
      "gold difference that multiplies the odds of a judgement by e; 0 judges without doubt",
      in: 0...),
    Field("flip", \.flip, "probability that a judgement is turned round by mistake", in: 0...0.5),
    Field("length_bias", \.lengthBias, "gold reward that each word of a response counts for"),
    Field("position_bias", \.positionBias, "gold reward that the response shown first gains"),
  ]

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if name.isEmpty {
      throw location.key("name").error("the name is empty", advice: "give the annotator a name")
    }
  }

  /// The probability of preferring the response shown first, with gold advantage `gold` and `words`
  /// words more: `ε + (1 − 2ε)·σ((gold + length_bias·words + position_bias) / temperature)`.
  func probabilityOfFirst(goldAdvantage gold: Double, extraWords words: Int) -> Double {
    let difference = gold + lengthBias * Double(words) + positionBias
    return flip + (1 - 2 * flip) * Self.sigmoid(difference, temperature: temperature)
  }

  /// `1 / (1 + exp(−x/T))` without overflow; at `T = 0` a step that is ½ at 0.
  private static func sigmoid(_ difference: Double, temperature: Double) -> Double {
    if temperature == 0 || difference == 0 {
      return difference > 0 ? 1 : difference < 0 ? 0 : 0.5
    }
    let decay = exp(-abs(difference) / temperature)
    return difference > 0 ? 1 / (1 + decay) : decay / (1 + decay)
  }
}
