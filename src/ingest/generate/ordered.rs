//! Work in parallel whose results are taken in order, with few of them waiting: bounded memory, the same files for any
//! number of threads.

use crate::error::Result;
use std::sync::mpsc::sync_channel;

/// Results of one thread that may wait for their turn.
const WAITING: usize = 2;

/// Makes `0..chunks` on so many threads, and hands the results to `take` in their order.
pub(super) fn ordered<T: Send>(
    threads: usize,
    chunks: usize,
    make: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let threads = threads.clamp(1, chunks.max(1));
    std::thread::scope(|scope| {
        let receivers: Vec<_> = (0..threads)
            .map(|worker| {
                let (sender, receiver) = sync_channel(WAITING);
                let make = &make;
                scope.spawn(move || {
                    for chunk in (worker..chunks).step_by(threads) {
                        // Nobody takes results any more after one could not be written.
                        if sender.send(make(chunk)).is_err() {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        for chunk in 0..chunks {
            // A thread that ended early has panicked, and the scope's end tells that.
            let Ok(made) = receivers[chunk % threads].recv() else { break };
            take(made)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn results_come_in_order_from_any_number_of_threads() {
        for threads in [0, 1, 2, 7, 100] {
            let mut taken = Vec::new();
            let made = ordered(
                threads,
                50,
                |chunk| chunk * chunk,
                |square| {
                    taken.push(square);
                    Ok(())
                },
            );
            made.unwrap();
            assert_eq!(taken, (0..50).map(|chunk| chunk * chunk).collect::<Vec<_>>());
        }
        ordered(3, 0, |_| (), |()| Err(Error::failed("nothing is taken"))).unwrap();
    }

    #[test]
    fn a_failure_ends_the_work() {
        let made = std::sync::atomic::AtomicUsize::new(0);
        let make = |_| made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let mut left = 3;
        let failed = ordered(2, 1_000_000, make, |_| {
            left -= 1;
            if left == 0 { Err(Error::failed("disk is full")) } else { Ok(()) }
        });
        assert_eq!(failed.unwrap_err().message, "disk is full");
        assert!(made.into_inner() < 20, "the threads go on");
    }
}
