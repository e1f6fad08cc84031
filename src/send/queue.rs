//! A queue that mostly holds one item or none.

use alloc::collections::VecDeque;
use core::mem;

/// Room for how many items is made when there is a second one: where there are two, there will be more.
const MIN_REST: usize = 16;

/// A queue that has a place for its first item, and memory for others only while there are others.
#[derive(Debug)]
pub(super) struct Queue<T> {
    /// Empty only if `rest` is.
    first: Option<T>,
    rest: VecDeque<T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { first: None, rest: VecDeque::new() }
    }
}

impl<T> Queue<T> {
    #[inline]
    pub(super) fn len(&self) -> usize {
        if self.first.is_some() { self.rest.len().saturating_add(1) } else { 0 }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.rest)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.first.iter_mut().chain(&mut self.rest)
    }

    #[inline]
    pub(super) fn push_back(&mut self, item: T) {
        if self.first.is_none() {
            self.first = Some(item);
        } else {
            if self.rest.capacity() == 0 {
                self.rest.reserve(MIN_REST);
            }
            self.rest.push_back(item);
        }
    }

    #[inline]
    pub(super) fn front(&self) -> Option<&T> {
        self.first.as_ref()
    }

    #[inline]
    pub(super) fn front_mut(&mut self) -> Option<&mut T> {
        self.first.as_mut()
    }

    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<T> {
        let next = if self.rest.capacity() == 0 { None } else { self.pop_rest() };
        mem::replace(&mut self.first, next)
    }

    fn pop_rest(&mut self) -> Option<T> {
        let next = self.rest.pop_front();
        self.shrink();
        next
    }

    fn shrink(&mut self) {
        if self.rest.is_empty() {
            self.rest = VecDeque::new();
        }
    }

    /// Drops the items that `keep` does not want.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.rest.retain(&mut keep);
        self.shrink();
        if !self.first.as_ref().is_some_and(keep) {
            self.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_queue(steps: Vec<Option<u8>>, divisor in 1_u8..4) {
            let (mut queue, mut model) = (Queue::default(), VecDeque::new());
            for (index, step) in steps.into_iter().enumerate() {
                match step {
                    Some(item) => {
                        queue.push_back(item);
                        model.push_back(item);
                    }
                    None if index % 8 == 0 => {
                        queue.retain(|item| item % divisor == 0);
                        model.retain(|item| item % divisor == 0);
                    }
                    None => prop_assert_eq!(queue.pop_front(), model.pop_front()),
                }
                prop_assert!(queue.iter().eq(&model));
                prop_assert_eq!((queue.front(), queue.len()), (model.front(), model.len()));
                if model.len() <= 1 {
                    prop_assert_eq!(queue.rest.capacity(), 0, "it holds no memory for one");
                }
            }
        }
    }
}
