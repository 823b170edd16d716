use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// A question to the database that many have at the same time, asked once for all of them.
///
/// An answer is never older than the question of who gets it: one that is on its way already is not for who asks now, but the
/// next one is, and for all who ask before it is begun.
#[derive(Debug, Default)]
pub(crate) struct SharedQuestion<T> {
    asked: AtomicU64,
    /// The latest answer, and how many had asked when it was looked for.
    answer: Mutex<Option<(u64, T)>>,
}

impl<T: Clone> SharedQuestion<T> {
    /// The answer that somebody else looked for, or what `look` finds. That it cannot be found is told to who looked only.
    pub(crate) async fn ask<E>(&self, look: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answer = self.answer.lock().await;
        if let Some((of, found)) = &*answer
            && *of > mine
        {
            return Ok(found.clone());
        }
        let of = self.asked.load(Ordering::SeqCst);
        let found = look.await?;
        *answer = Some((of, found.clone()));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn those_who_ask_while_another_looks_share_the_next_answer() {
        let question = SharedQuestion::default();
        let looks = Cell::new(0);
        let begun = Semaphore::new(0);
        let may_end = Semaphore::new(0);
        let ask = || {
            question.ask(async {
                looks.set(looks.get() + 1);
                let answer = looks.get();
                begun.add_permits(1);
                may_end.acquire().await.unwrap().forget();
                Ok::<_, Infallible>(answer)
            })
        };
        let others = async {
            begun.acquire().await.unwrap().forget();
            // They ask in the order of the list; then the first answer, which is too old for them, is let go.
            let release = async {
                may_end.add_permits(2);
                Ok(0)
            };
            let mut all: Vec<futures_util::future::LocalBoxFuture<'_, _>> =
                (0..5).map(|_| Box::pin(ask()) as _).collect();
            all.push(Box::pin(release));
            join_all(all).await
        };
        let (first, others) = tokio::join!(ask(), others);
        assert_eq!(first, Ok(1));
        assert_eq!(others, [2, 2, 2, 2, 2, 0].map(Ok));
        may_end.add_permits(1);
        assert_eq!(ask().await, Ok(3), "what was asked later is looked for again");
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_found_is_nobody_elses() {
        let question = SharedQuestion::default();
        assert_eq!(question.ask(async { Err::<i32, _>("lost") }).await, Err("lost"));
        assert_eq!(question.ask(async { Ok::<_, &str>(1) }).await, Ok(1));
    }
}
