import CKernels
import TestSupport
import Testing

@Suite("Normalization kernels compute what Float64 computes")
struct NormalizationKernelTests {
  private let epsilon = 1e-3

  @Test("layer norm and what its backward pass needs", arguments: kernelLengths)
  func layerNorm(width: Int) {
    let x = gaussians(3 * width, seed: 1, deviation: 2).map { $0 + 1 }
    let (gain, bias) = (gaussians(width, seed: 2), gaussians(width, seed: 3))
    var (out, mean, inverse) = (zeros(3 * width), zeros(3), zeros(3))
    vm_layer_norm(&out, &mean, &inverse, x, gain, bias, 3, width, Float(epsilon))
    for (r, row) in rows(x, columns: width).enumerated() {
      let m = row.reduce(0, +) / Double(width)
      let variance = row.reduce(0) { $0 + ($1 - m) * ($1 - m) } / Double(width)
      let s = 1 / (variance + epsilon).squareRoot()
      expect([mean[r], inverse[r]], equal: [m, s], within: .decoderRounding)
      expect(
        Array(out[r * width..<(r + 1) * width]),
        equal: row.indices.map { (row[$0] - m) * s * Double(gain[$0]) + Double(bias[$0]) },
        within: .decoderRounding)
    }
  }

  @Test(
    "layer norm's gradients add to gain and bias and replace the input's",
    arguments: kernelLengths)
  func layerNormBackward(width: Int) {
    let x = gaussians(3 * width, seed: 1)
    let dout = gaussians(3 * width, seed: 4)
    let (gain, bias) = (gaussians(width, seed: 2), gaussians(width, seed: 3))
    var (out, mean, inverse) = (zeros(3 * width), zeros(3), zeros(3))
    vm_layer_norm(&out, &mean, &inverse, x, gain, bias, 3, width, Float(epsilon))
    var (dx, dgain, dbias) = (gaussians(3 * width, seed: 5), gain, bias)
    vm_layer_norm_backward(&dx, &dgain, &dbias, dout, x, mean, inverse, gain, 3, width)

    var (gainExpected, biasExpected) = (gain.map(Double.init), bias.map(Double.init))
    let gradients = rows(dout, columns: width)
    for (r, row) in rows(x, columns: width).enumerated() {
      let (m, s) = (Double(mean[r]), Double(inverse[r]))
      let normalized = row.map { ($0 - m) * s }
      let scaled = zip(gradients[r], gain).map { $0 * Double($1) }
      let a = scaled.reduce(0, +) / Double(width)
      let b = zip(scaled, normalized).reduce(0) { $0 + $1.0 * $1.1 } / Double(width)
      expect(
        Array(dx[r * width..<(r + 1) * width]),
        equal: row.indices.map { s * (scaled[$0] - a - normalized[$0] * b) },
        within: .decoderRounding)
      for c in 0..<width {
        gainExpected[c] += gradients[r][c] * normalized[c]
        biasExpected[c] += gradients[r][c]
      }
    }
    expect(dgain, equal: gainExpected, within: .decoderRounding)
    expect(dbias, equal: biasExpected, within: .decoderRounding)
  }

  @Test("RMS norm and its gradients", arguments: kernelLengths)
  func rmsNorm(width: Int) {
    let x = gaussians(3 * width, seed: 1, deviation: 2).map { $0 + 1 }
    let dout = gaussians(3 * width, seed: 4)
    let gain = gaussians(width, seed: 2)
    var (out, inverse) = (zeros(3 * width), zeros(3))
    vm_rms_norm(&out, &inverse, x, gain, 3, width, Float(epsilon))
    var (dx, dgain) = (gaussians(3 * width, seed: 5), gain)
    vm_rms_norm_backward(&dx, &dgain, dout, x, inverse, gain, 3, width)

    var gainExpected = gain.map(Double.init)
    let gradients = rows(dout, columns: width)
    for (r, row) in rows(x, columns: width).enumerated() {
      let s = 1 / (row.reduce(0) { $0 + $1 * $1 } / Double(width) + epsilon).squareRoot()
      expect([inverse[r]], equal: [s])
      let range = r * width..<(r + 1) * width
      expect(
        Array(out[range]), equal: row.indices.map { row[$0] * s * Double(gain[$0]) },
        within: .decoderRounding)
      let scaled = zip(gradients[r], gain).map { $0 * Double($1) }
      let b = zip(scaled, row).reduce(0) { $0 + $1.0 * $1.1 } * s * s / Double(width)
      expect(
        Array(dx[range]), equal: row.indices.map { s * (scaled[$0] - row[$0] * b) },
        within: .decoderRounding)
      for c in 0..<width { gainExpected[c] += gradients[r][c] * row[c] * s }
    }
    expect(dgain, equal: gainExpected, within: .decoderRounding)
  }
}
