//! Memory that is lent to a child that shares this process's memory. It must not be freed before the child has left it,
//! by executing a program or by its end. The kernel clears a word in it then.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::base::heap::Owned;

/// A value that was lent, whatever it is. Dropping this drops it.
pub(crate) struct Loan {
    value: NonNull<()>,
    word: *const AtomicU32,
    take_back: unsafe fn(NonNull<()>),
}

#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
impl Loan {
    /// Lends a value that has such a word.
    pub(crate) fn new<T>(value: Owned<T>, word: impl FnOnce(&T) -> &AtomicU32) -> Self {
        let word = core::ptr::from_ref(word(&value));
        Self { value: value.into_non_null().cast(), word, take_back: take_back::<T> }
    }

    /// Whether the child has left the memory. After its end it has, too, whatever this says.
    pub(crate) fn is_over(&self) -> bool {
        // SAFETY: the word is in the value, which this owns.
        unsafe { &*self.word }.load(Ordering::Acquire) == 0
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        // SAFETY: it is the value of new(), and is not used any more.
        unsafe { (self.take_back)(self.value) };
    }
}

/// # Safety
///
/// The value came from an Owned of this type, and is not used again.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
unsafe fn take_back<T>(value: NonNull<()>) {
    // SAFETY: as the caller says.
    drop(unsafe { Owned::<T>::from_raw(value.cast().as_ptr()) });
}
