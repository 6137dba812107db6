import Testing

@testable import Statistics

@Suite struct RankingAgreementTests {
  @Test("the highest reward comes first, and equal rewards stay in their order")
  func order() {
    #expect(RankingAgreement.order(of: [0.5, 2, -1, 2, 0.5]) == [1, 3, 0, 4, 2])
    #expect(RankingAgreement.order(of: Array(repeating: 1, count: 40)) == Array(0..<40))
    #expect(RankingAgreement.order(of: []).isEmpty)
  }

  @Test("agreement counts pairs and the best of each row, against counting by hand")
  func agreement() {
    var agreement = RankingAgreement()
    // By reward 1, 0, 2: given 1, 2, 0 it is right about (1, 2) and (1, 0), not about (2, 0).
    agreement.add(rewards: [1, 3, 0], ranking: [1, 2, 0])
    // Wrong throughout.
    agreement.add(rewards: [0, 1], ranking: [0, 1])
    #expect(agreement.pairs.count == 4 && agreement.pairs.value == 0.5)
    #expect(agreement.top.count == 2 && agreement.top.value == 0.5 && agreement.count == 2)
  }

  @Test("rewards that are all equal agree as often as chance, whatever order is given")
  func ties() {
    for ranking in [[0, 1, 2, 3], [3, 2, 1, 0]] {
      var agreement = RankingAgreement()
      agreement.add(rewards: [7, 7, 7, 7], ranking: ranking)
      #expect(agreement.pairs.value == 0.5 && agreement.top.value == 0.25)
    }
    var agreement = RankingAgreement()
    agreement.add(rewards: [1, 2, 2], ranking: [1, 0, 2])
    #expect(agreement.pairs.value == 1.5 / 3 && agreement.top.value == 0.5)
  }

  @Test("a single response says nothing about an order")
  func single() {
    var agreement = RankingAgreement()
    agreement.add(rewards: [1], ranking: [0])
    #expect(agreement.count == 0 && agreement.pairs.count == 0)
  }
}
