//! Bytes in malloc'ed memory that grows, to be given to C at the end.

use core::mem::ManuallyDrop;
use core::ptr::{null_mut, NonNull};

use libc::c_char;

/// Bytes in malloc'ed memory. There is always room for a NUL after them, unless there is no memory yet.
pub(crate) struct Bytes {
    /// NULL: there is no memory yet.
    start: *mut u8,
    len: usize,
    /// Without the byte for the NUL.
    capacity: usize,
}

// SAFETY: like a Vec, it is the only way to its bytes.
unsafe impl Send for Bytes {}
// SAFETY: like a Vec, a shared one gives out only shared references.
unsafe impl Sync for Bytes {}

impl Bytes {
    /// No bytes, and no memory.
    pub(crate) const NONE: Self = Self { start: null_mut(), len: 0, capacity: 0 };

    /// No bytes, and room for so many.
    pub(crate) fn with_room(capacity: usize) -> Option<Self> {
        let mut bytes = Self::NONE;
        bytes.resize(capacity)?;
        Some(bytes)
    }

    /// Makes room for more bytes, if there is little room left and the memory may grow: `limit` is the most it may have
    /// room for. It grows to twice its size, so that all that is copied on the way is less than what is there at the
    /// end. `None`: there is no memory.
    pub(crate) fn make_room(&mut self, limit: usize) -> Option<()> {
        const LITTLE: usize = 16 << 10;
        let left = self.capacity - self.len;
        if self.capacity >= limit || left >= LITTLE.min(self.capacity / 2 + 1) {
            return Some(());
        }
        self.resize(self.capacity.saturating_mul(2).max(4 << 10).min(limit))
    }

    fn resize(&mut self, capacity: usize) -> Option<()> {
        // SAFETY: it is NULL or came from realloc().
        let memory = unsafe { libc::realloc(self.start.cast(), capacity.checked_add(1)?) };
        self.start = NonNull::new(memory)?.as_ptr().cast();
        self.capacity = capacity;
        Some(())
    }

    /// Where the next byte goes, and how many there is room for.
    pub(crate) fn room(&mut self) -> (*mut u8, usize) {
        // SAFETY: there are `capacity` bytes.
        (unsafe { self.start.add(self.len) }, self.capacity - self.len)
    }

    /// `n` bytes have been written where room() said.
    ///
    /// # Safety
    ///
    /// They have been, and there was room for them.
    pub(crate) unsafe fn add(&mut self, n: usize) {
        self.len += n;
    }

    /// Adds bytes. `None`: there is no memory.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Option<()> {
        let len = self.len.checked_add(bytes.len())?;
        if len > self.capacity {
            self.resize(len.max(self.capacity.saturating_mul(2)))?;
        }
        let (end, _) = self.room();
        // SAFETY: there is room for them, and they are not in this memory.
        unsafe { end.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.len = len;
        Some(())
    }

    /// Keeps the first `n` bytes, if there are more.
    pub(crate) fn cut(&mut self, n: usize) {
        self.len = self.len.min(n);
    }

    /// Removes the first `n` bytes, or all if there are fewer.
    pub(crate) fn remove_front(&mut self, n: usize) {
        let n = n.min(self.len);
        if n > 0 {
            self.len -= n;
            // SAFETY: `n` and `len` bytes are there.
            let rest = unsafe { self.start.add(n) };
            // SAFETY: as above; they may overlap.
            unsafe { self.start.copy_from(rest, self.len) };
        }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        if self.start.is_null() {
            return &[];
        }
        // SAFETY: `len` bytes have been written.
        unsafe { core::slice::from_raw_parts(self.start, self.len) }
    }

    /// Hands the memory over to C, to be released with free(). A NUL follows the bytes. NULL if there was no memory.
    #[cfg_attr(not(feature = "capi"), allow(dead_code))]
    pub(crate) fn into_raw(mut self) -> (*mut c_char, usize) {
        // It becomes smaller. If that fails, it stays as it is.
        let _ = self.resize(self.len);
        let this = ManuallyDrop::new(self);
        if !this.start.is_null() {
            // SAFETY: there is one byte more than the capacity.
            let end = unsafe { this.start.add(this.len) };
            // SAFETY: as above.
            unsafe { end.write(0) };
        }
        (this.start.cast(), this.len)
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // SAFETY: it is NULL or came from realloc(), and is not used again.
        unsafe { libc::free(self.start.cast()) };
    }
}
