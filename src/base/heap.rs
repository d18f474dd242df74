//! Memory from C's malloc(), so that the library needs libc alone and memory tools see a C program's allocations.
//! Without memory the result is `None`: nothing here aborts.

use core::ffi::{c_char, CStr};
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

/// One value in malloc'ed memory; like `Box`. As an `Option` it has the representation of a C pointer, NULL for none.
#[repr(transparent)]
pub(crate) struct Owned<T>(NonNull<T>);

// SAFETY: like a Box, it is the only way to its value.
unsafe impl<T: Send> Send for Owned<T> {}
// SAFETY: like a Box, a shared one gives out only shared references.
unsafe impl<T: Sync> Sync for Owned<T> {}

impl<T> Owned<T> {
    pub(crate) fn new(value: T) -> Option<Self> {
        // malloc()'s memory is aligned to 8 bytes everywhere, also where pointers have 4. Not every libc has max_align_t.
        const { assert!(align_of::<T>() <= 8) };
        // SAFETY: malloc() takes any size.
        let memory = NonNull::new(unsafe { libc::malloc(size_of::<T>()) })?.cast::<T>();
        // SAFETY: fresh memory, large enough and aligned for a T.
        unsafe { memory.write(value) };
        Some(Self(memory))
    }

    /// Memory for one that is not there yet. A large one is never on the stack.
    #[allow(dead_code)] // not every build has a use for it
    pub(crate) fn uninit() -> Option<Owned<MaybeUninit<T>>> {
        const { assert!(align_of::<T>() <= 8) };
        // SAFETY: malloc() takes any size.
        NonNull::new(unsafe { libc::malloc(size_of::<T>()) }).map(|memory| Owned(memory.cast()))
    }

    /// Gives it to C.
    pub(crate) fn into_raw(self) -> *mut T {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// The same, as a pointer that is not NULL.
    #[allow(dead_code)] // not every build has a use for it
    pub(crate) fn into_non_null(self) -> NonNull<T> {
        ManuallyDrop::new(self).0
    }

    /// Takes it back; `None` for NULL.
    ///
    /// # Safety
    ///
    /// `value` is NULL, or came from into_raw() and is not used again.
    pub(crate) unsafe fn from_raw(value: *mut T) -> Option<Self> {
        NonNull::new(value).map(Self)
    }
}

impl<T> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: it points to an initialised T that this alone owns.
        unsafe { self.0.as_ref() }
    }
}

impl<T> DerefMut for Owned<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: it points to an initialised T that this alone owns.
        unsafe { self.0.as_mut() }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: an initialised T that this alone owns, and that is not used again.
        unsafe { self.0.drop_in_place() };
        // SAFETY: it came from malloc() in new().
        unsafe { libc::free(self.0.as_ptr().cast()) };
    }
}

/// A C string in malloc'ed memory.
pub(crate) struct Text {
    start: NonNull<u8>,
    len: usize,
}

impl Text {
    /// A string that is not in malloc'ed memory, for a static: it must not be dropped.
    #[allow(dead_code)] // not every build has a use for it
    pub(crate) const fn constant(text: &'static CStr) -> Self {
        // SAFETY: a reference is not NULL.
        let start = unsafe { NonNull::new_unchecked(text.as_ptr().cast::<u8>().cast_mut()) };
        Self { start, len: text.count_bytes() }
    }

    /// One string of all the parts.
    #[allow(dead_code)] // not every build has a use for it
    pub(crate) fn concat(parts: &[&CStr]) -> Option<Self> {
        let mut len = 0usize;
        for part in parts {
            len = len.checked_add(part.count_bytes())?;
        }
        // SAFETY: malloc() takes any size.
        let start = NonNull::new(unsafe { libc::malloc(len.checked_add(1)?) })?.cast::<u8>();
        let mut end = start;
        for part in parts {
            let n = part.count_bytes();
            // SAFETY: the lengths of all parts were added up, so this one fits; fresh memory overlaps nothing.
            unsafe { end.copy_from_nonoverlapping(NonNull::from(*part).cast(), n) };
            // SAFETY: within the memory, whose last byte is for the NUL.
            end = unsafe { end.add(n) };
        }
        // SAFETY: the one byte that was added to the length.
        unsafe { end.write(0) };
        Some(Self { start, len })
    }

    /// A string of these bytes, up to the first NUL if there is one.
    #[allow(dead_code)] // not every build has a use for it
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        // SAFETY: malloc() takes any size.
        let start = NonNull::new(unsafe { libc::malloc(bytes.len().checked_add(1)?) })?.cast::<u8>();
        // SAFETY: there is room for all, and fresh memory overlaps nothing.
        unsafe { start.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        // SAFETY: there is room for one more.
        let end = unsafe { start.add(bytes.len()) };
        // SAFETY: within the memory.
        unsafe { end.write(0) };
        // SAFETY: NUL-terminated.
        let len = unsafe { CStr::from_ptr(start.cast().as_ptr()) }.count_bytes();
        Some(Self { start, len })
    }

    /// Hands the memory over to C, to be released with free().
    #[allow(dead_code)] // not every build has a function that returns a string
    pub(crate) fn into_raw(self) -> *mut c_char {
        self.into_non_null().as_ptr()
    }

    /// The same, as a pointer that is not NULL.
    pub(crate) fn into_non_null(self) -> NonNull<c_char> {
        ManuallyDrop::new(self).start.cast()
    }
}

impl Deref for Text {
    type Target = CStr;

    fn deref(&self) -> &CStr {
        // SAFETY: there are `len` bytes and one more.
        let bytes = unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.len + 1) };
        // SAFETY: none of the `len` bytes is NUL, and the one after them is.
        unsafe { CStr::from_bytes_with_nul_unchecked(bytes) }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        // SAFETY: it came from malloc(), and is not used again.
        unsafe { libc::free(self.start.as_ptr().cast()) };
    }
}

/// Changes the size of the memory; NULL is none yet.
#[inline(never)]
fn grow(memory: *mut u8, size: usize) -> Option<*mut u8> {
    // SAFETY: it is NULL, or came from realloc() in a Vector.
    Some(NonNull::new(unsafe { libc::realloc(memory.cast(), size) })?.as_ptr().cast())
}

/// A list of plain values in malloc'ed memory; like `Vec`. It has no memory until a value is pushed.
pub(crate) struct Vector<T: Copy> {
    start: *mut T,
    len: usize,
    capacity: usize,
}

impl<T: Copy> Vector<T> {
    pub(crate) const fn new() -> Self {
        Self { start: core::ptr::null_mut(), len: 0, capacity: 0 }
    }

    /// A copy of these values. `None`: there is no memory.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    pub(crate) fn copy_of(values: &[T]) -> Option<Self> {
        if values.is_empty() {
            return Some(Self::new());
        }
        let start = grow(core::ptr::null_mut(), size_of_val(values))?.cast::<T>();
        // SAFETY: there is room for all, and fresh memory overlaps nothing.
        unsafe { start.copy_from_nonoverlapping(values.as_ptr(), values.len()) };
        Some(Self { start, len: values.len(), capacity: values.len() })
    }

    /// `None`: there is no memory.
    pub(crate) fn push(&mut self, value: T) -> Option<()> {
        if self.len == self.capacity {
            let capacity = self.capacity.checked_mul(2)?.max(16);
            self.start = grow(self.start.cast(), capacity.checked_mul(size_of::<T>())?)?.cast();
            self.capacity = capacity;
        }
        // SAFETY: there is room for one more.
        let end = unsafe { self.start.add(self.len) };
        // SAFETY: within the memory.
        unsafe { end.write(value) };
        self.len += 1;
        Some(())
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.start
    }
}

impl<T: Copy> Deref for Vector<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        if self.start.is_null() {
            return &[];
        }
        // SAFETY: `len` values have been pushed.
        unsafe { core::slice::from_raw_parts(self.start, self.len) }
    }
}

impl<T: Copy> DerefMut for Vector<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        if self.start.is_null() {
            return &mut [];
        }
        // SAFETY: `len` values have been pushed.
        unsafe { core::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl<T: Copy> Drop for Vector<T> {
    fn drop(&mut self) {
        // SAFETY: NULL or from realloc() in push().
        unsafe { libc::free(self.start.cast()) };
    }
}
