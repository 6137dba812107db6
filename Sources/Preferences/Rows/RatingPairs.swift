/// Pairs ratings as they come: each with an earlier one of its prompt that rates another response
/// otherwise. A rating is used once at most, so that pairs stay independent of each other.
package struct RatingPairs {
  /// Of each prompt those that wait for a partner; they all say the same number.
  private var waiting: [String: [Rating]] = [:]
  /// How many ratings have no partner so far.
  package private(set) var unpaired = 0

  package init() {}

  /// The pair that a rating completes, better before worse; nil when it has to wait for another, or
  /// contradicts what an earlier one says of the same response.
  package mutating func add(_ rating: Rating) -> Comparison? {
    unpaired += 1
    guard let value = waiting[rating.prompt]?.last?.rating, value != rating.rating else {
      waiting[rating.prompt, default: []].append(rating)
      return nil
    }
    let place = waiting[rating.prompt]?.lastIndex { $0.response != rating.response }
    guard let place, let other = waiting[rating.prompt]?.remove(at: place) else { return nil }
    unpaired -= 2
    let (better, worse) = other.rating > rating.rating ? (other, rating) : (rating, other)
    return Comparison(
      prompt: rating.prompt, chosen: better.response, rejected: worse.response)
  }
}
