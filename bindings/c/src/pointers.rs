//! Pointers of a caller as slices, references and places to write to.
//!
//! What cannot be checked is what the header asks of a caller: that a pointer which is not null points to as many elements
//! as the count beside it says, that handles came from this library and were not freed, and that nobody else writes to any
//! of it during the call.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::status::vdfb_status::{VDFB_NULL_POINTER, VDFB_SIZE_MISMATCH};
use crate::status::{Failure, Outcome};

/// A place for elements that the caller owns and that may not be initialised: it is written to and never read.
pub(crate) struct Output<T> {
    first: *mut T,
    count: usize,
}

impl<T: Copy> Output<T> {
    /// The place of `count` elements at `first`, which may be null if there are none.
    ///
    /// # Safety
    /// If `first` is not null, `count` elements there may be written to as long as this lives.
    pub(crate) unsafe fn new(first: *mut T, count: usize, name: &str) -> Outcome<Self> {
        check(first, count, name)?;
        Ok(Self { first, count })
    }

    /// Writes one element.
    pub(crate) fn put(&mut self, index: usize, value: T) {
        assert!(index < self.count, "element {index} of {}", self.count);
        // SAFETY: the index is below the count, so that the place lies in the caller's buffer.
        let place = unsafe { self.first.add(index) };
        // SAFETY: `new` was told that the elements may be written to, and has checked the alignment.
        unsafe { place.write(value) }
    }

    /// The places, for loops over all of them.
    pub(crate) fn places(&mut self) -> &mut [MaybeUninit<T>] {
        if self.count == 0 {
            return &mut [];
        }
        // SAFETY: `new` was told that the elements may be written to, and has checked pointer and count; elements that may
        // not be initialised are what `MaybeUninit` is for.
        unsafe { std::slice::from_raw_parts_mut(self.first.cast(), self.count) }
    }

    /// Writes elements from the first on.
    pub(crate) fn fill(&mut self, values: impl IntoIterator<Item = T>) {
        values.into_iter().enumerate().for_each(|(index, value)| self.put(index, value));
    }
}

/// Elements of a caller's array that are read one by one. Those that are not read may be uninitialised, and others may be
/// writing to them: they may be the cells of another distribution.
pub(crate) struct Input<T> {
    first: *const T,
    count: usize,
}

impl<T: Copy> Input<T> {
    /// The array of `count` elements at `first`, which may be null if there are none.
    ///
    /// # Safety
    /// If `first` is not null, `count` elements there belong to one array, and those that [`Input::get`] is asked for are
    /// initialised and changed by nobody as long as this lives.
    pub(crate) unsafe fn new(first: *const T, count: usize, name: &str) -> Outcome<Self> {
        check(first, count, name)?;
        Ok(Self { first, count })
    }

    /// Reads one element.
    pub(crate) fn get(&self, index: usize) -> T {
        assert!(index < self.count, "element {index} of {}", self.count);
        // SAFETY: the index is below the count, so that the element lies in the caller's array.
        let place = unsafe { self.first.add(index) };
        // SAFETY: `new` was told that the element is initialised and does not change, and has checked the alignment.
        unsafe { place.read() }
    }
}

/// Refuses a null pointer to elements, one that is not aligned, and more elements than can be addressed.
fn check<T>(first: *const T, count: usize, name: &str) -> Outcome {
    if count == 0 {
        return Ok(());
    }
    if first.is_null() {
        return Err(Failure::new(VDFB_NULL_POINTER, format!("{name} is null where {count} elements are expected")));
    }
    if !first.is_aligned() {
        let problem = format!("{name} = {first:?} is not aligned to {} bytes", align_of::<T>());
        return Err(Failure::new(VDFB_NULL_POINTER, problem));
    }
    match count.checked_mul(size_of::<T>()).filter(|&bytes| isize::try_from(bytes).is_ok()) {
        Some(_) => Ok(()),
        None => Err(Failure::new(VDFB_SIZE_MISMATCH, format!("{name}: {count} elements are more than memory holds"))),
    }
}

/// The elements at a pointer, which may be null if there are none.
///
/// # Safety
/// If `first` is not null, it points to `count` initialised elements, which nobody changes for `'a`.
pub(crate) unsafe fn slice<'a, T>(first: *const T, count: usize, name: &str) -> Outcome<&'a [T]> {
    check(first, count, name)?;
    if count == 0 {
        return Ok(&[]);
    }
    // SAFETY: not null, aligned, no longer than memory, and initialised as the caller has promised.
    Ok(unsafe { std::slice::from_raw_parts(first, count) })
}

/// What a pointer points to.
///
/// # Safety
/// If it is not null, it points to a valid value that nobody changes for `'a`.
pub(crate) unsafe fn reference<'a, T>(pointer: *const T, name: &str) -> Outcome<&'a T> {
    check(pointer, 1, name)?;
    // SAFETY: not null, aligned, and valid as the caller has promised.
    Ok(unsafe { &*pointer })
}

/// What a pointer points to, `None` if it is null.
///
/// # Safety
/// As [`reference`].
pub(crate) unsafe fn optional<'a, T>(pointer: *const T, name: &str) -> Outcome<Option<&'a T>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller has promised.
    unsafe { reference(pointer, name) }.map(Some)
}

/// What a pointer points to, to be changed.
///
/// # Safety
/// If it is not null, it points to a valid value that nobody else uses for `'a`.
pub(crate) unsafe fn reference_mut<'a, T>(pointer: *mut T, name: &str) -> Outcome<&'a mut T> {
    check(pointer, 1, name)?;
    // SAFETY: not null, aligned, and valid and not used elsewhere as the caller has promised.
    Ok(unsafe { &mut *pointer })
}

/// A place for one result.
///
/// # Safety
/// If it is not null, it may be written to as long as the result lives.
pub(crate) unsafe fn output<T: Copy>(pointer: *mut T, name: &str) -> Outcome<Output<T>> {
    // SAFETY: as the caller has promised.
    unsafe { Output::new(pointer, 1, name) }
}

/// Writes a result that the caller may not want.
///
/// # Safety
/// If `pointer` is not null, it may be written to.
pub(crate) unsafe fn write_optional<T: Copy>(pointer: *mut T, value: T, name: &str) -> Outcome {
    if !pointer.is_null() {
        // SAFETY: as the caller has promised.
        unsafe { output(pointer, name) }?.put(0, value);
    }
    Ok(())
}

/// A text that ends with a zero.
///
/// # Safety
/// If it is not null, it ends with a zero, and nobody changes it for `'a`.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Outcome<&'a str> {
    check(pointer, 1, name)?;
    // SAFETY: not null, and ends with a zero as the caller has promised.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|_| Failure::argument(name, format!("{text:?}"), "a text in UTF-8"))
}

/// Writes a text and a zero behind it, and the bytes that both need.
///
/// # Safety
/// If they are not null, `capacity` bytes at `buffer` and one number at `needed` may be written to.
pub(crate) unsafe fn write_text(text: &str, buffer: *mut c_char, capacity: usize, needed: *mut usize) -> Outcome {
    let bytes = text.as_bytes();
    // SAFETY: as the caller has promised.
    unsafe { write_optional(needed, bytes.len() + 1, "needed") }?;
    if buffer.is_null() && capacity == 0 && !needed.is_null() {
        // Only the length was asked for.
        return Ok(());
    }
    // SAFETY: as the caller has promised.
    let mut buffer = unsafe { Output::new(buffer, capacity, "buffer") }?;
    if capacity <= bytes.len() {
        return Err(Failure::too_small("buffer", capacity, bytes.len() + 1));
    }
    buffer.fill(bytes.iter().map(|&byte| byte as c_char).chain([0]));
    Ok(())
}

/// Hands a value over to the caller behind a pointer.
///
/// # Safety
/// If it is not null, `pointer` may be written to.
pub(crate) unsafe fn give<T>(value: T, pointer: *mut *mut T, name: &str) -> Outcome {
    // SAFETY: as the caller has promised.
    unsafe { output(pointer, name) }?.put(0, Box::into_raw(Box::new(value)));
    Ok(())
}

/// Frees what [`give`] has handed over; nothing for null.
///
/// # Safety
/// It came from [`give`], was not freed, and nobody uses it any more.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // SAFETY: it came from `Box::into_raw`, and the caller gives it back.
        let held = unsafe { Box::from_raw(pointer) };
        // A panic must not cross the border; there is no status to say so.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(held)));
    }
}
