//! The waker of a connection: it knows whether its task is awake already.
//!
//! ```text
//! socket, timer ─ ring ─▶ Bell ─ asleep ─▶ the runtime polls the task
//!                          └─ awake: counted, and looked at when the poll ends
//! ```
//!
//! Hyper rings when the last piece of a body is taken, so that whoever sends the body reads on, and there is nothing left to
//! read. The runtime would poll the connection a second time for every request that has a body.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// Polls a future under a bell of its own.
#[derive(Default)]
pub(super) struct Bells {
    hung: Option<(Arc<Bell>, Waker)>,
}

struct Bell {
    task: Waker,
    /// Nought while the task sleeps; else one more than how often it was rung for since its poll began.
    rung: AtomicUsize,
}

impl Bells {
    /// Polls; `for_nothing` is asked afterwards how often this poll has rung for itself to no end.
    pub(super) fn poll<F: Future>(
        &mut self,
        future: Pin<&mut F>,
        cx: &mut Context<'_>,
        for_nothing: impl FnOnce() -> usize,
    ) -> Poll<F::Output> {
        // A task nearly always has the same waker.
        if self
            .hung
            .as_ref()
            .is_none_or(|(bell, _)| !bell.task.will_wake(cx.waker()))
        {
            let bell = Arc::new(Bell {
                task: cx.waker().clone(),
                rung: AtomicUsize::new(0),
            });
            self.hung = Some((Arc::clone(&bell), Waker::from(bell)));
        }
        let Some((bell, waker)) = &self.hung else {
            return Poll::Pending;
        };
        bell.rung.store(1, Ordering::Relaxed);
        let polled = future.poll(&mut Context::from_waker(waker));
        // Whoever rings from here on wakes the task.
        if bell.rung.swap(0, Ordering::AcqRel) > 1 + for_nothing() {
            bell.task.wake_by_ref();
        }
        polled
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Bell>) {
        let awake = self
            .rung
            .try_update(Ordering::AcqRel, Ordering::Acquire, |rung| {
                (rung > 0).then_some(rung + 1)
            });
        if awake.is_err() {
            self.task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, sync::Mutex};

    use rstest::rstest;

    use super::*;

    /// A task that counts how often it is woken.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Task>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[rstest]
    #[case::nobody_rings(0, 0, 0)]
    #[case::one_ring_is_for_nothing(1, 1, 0)]
    #[case::none_is(1, 0, 1)]
    #[case::another_is_not(2, 1, 1)]
    #[case::fewer_rings_than_thought(0, 1, 0)]
    fn a_task_is_woken_by_what_rang_during_its_poll_but_for_what_was_for_nothing(
        #[case] rings: usize,
        #[case] for_nothing: usize,
        #[case] woken: usize,
    ) {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let kept = Mutex::new(None);
        let mut future = pin!(poll_fn(|cx| {
            (0..rings).for_each(|_| cx.waker().wake_by_ref());
            *kept.lock().unwrap() = Some(cx.waker().clone());
            Poll::<()>::Pending
        }));
        let mut bells = Bells::default();
        assert!(
            bells
                .poll(future.as_mut(), &mut Context::from_waker(&waker), || {
                    for_nothing
                })
                .is_pending()
        );
        assert_eq!(task.0.load(Ordering::Relaxed), woken);
        // While it sleeps, every ring wakes it.
        kept.lock().unwrap().as_ref().unwrap().wake_by_ref();
        assert_eq!(task.0.load(Ordering::Relaxed), woken + 1);
    }

    #[test]
    fn a_future_that_moves_to_another_task_rings_there() {
        let tasks = [Arc::new(Task::default()), Arc::new(Task::default())];
        let mut future = pin!(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        let mut bells = Bells::default();
        for task in &tasks {
            let waker = Waker::from(Arc::clone(task));
            assert!(
                bells
                    .poll(future.as_mut(), &mut Context::from_waker(&waker), || 0)
                    .is_pending()
            );
        }
        assert_eq!(tasks.map(|task| task.0.load(Ordering::Relaxed)), [1, 1]);
    }
}
