import Experiments
import Foundation
import RunRecords
import Synchronization

/// Ctrl-C and the signal to end: a run keeps its state before it goes.
enum Signals {
  private static let received = Atomic<Int32>(0)

  /// From now on the first SIGINT or SIGTERM asks the run to stop after its step; a second one ends
  /// the program at once, as if nothing had been set.
  static func interruptRun() {
    Interruption.prepare()
    _ = received.load(ordering: .relaxed)  // made before a signal may come
    // The mask of blocked signals is inherited, and some parents (a thread of Dispatch) block all.
    var mask = sigset_t()
    sigemptyset(&mask)
    for number in [SIGINT, SIGTERM] {
      sigaddset(&mask, number)
      signal(number) { number in
        signal(number, SIG_DFL)
        Signals.received.store(number, ordering: .relaxed)
        Interruption.request()
      }
    }
    pthread_sigmask(SIG_UNBLOCK, &mask, nil)
  }

  /// Says how to go on, and ends the program by the signal that it got, so that whoever started it
  /// knows.
  static func end(afterInterrupting run: RunDirectory) -> Never {
    FileHandle.standardError.write(
      Data("interrupted; go on with: rlhf-sim resume \(run.url.path)\n".utf8))
    let number = received.load(ordering: .relaxed)
    if number != 0 {
      signal(number, SIG_DFL)
      raise(number)
    }
    exit(EXIT_FAILURE)
  }
}
