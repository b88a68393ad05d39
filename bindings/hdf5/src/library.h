/* The functions of the HDF5 library that has loaded the filter. */
#ifndef VDFB_HDF5_LIBRARY_H
#define VDFB_HDF5_LIBRARY_H

#include <hdf5.h>

/*
 * A process may hold several HDF5 libraries, such as those inside h5py and netCDF4, and none of them in the scope where
 * the names of plugins are looked up. So the filter is linked to none: at each call it asks the library that has called it
 * for its functions. Null where the library has not got them, as one that is linked statically into a program.
 */
typedef struct {
    void *(*allocate_memory)(size_t, hbool_t);
    herr_t (*free_memory)(void *);
    int (*get_chunk)(hid_t, int, hsize_t[]);
    H5Z_filter_t (*get_filter)(hid_t, unsigned, unsigned *, size_t *, unsigned *, size_t, char *, unsigned *);
    herr_t (*get_filter_by_id)(hid_t, H5Z_filter_t, unsigned *, size_t *, unsigned *, size_t, char *, unsigned *);
    herr_t (*modify_filter)(hid_t, H5Z_filter_t, unsigned, size_t, const unsigned *);
    herr_t (*get_fill_value)(hid_t, hid_t, void *);
    herr_t (*fill_value_defined)(hid_t, H5D_fill_value_t *);
    htri_t (*is_equal)(hid_t, hid_t);
    /* Of HDF5 2. The last two are not part of its interface, but exported. */
    herr_t (*is_paused)(hid_t, hbool_t *);
    void (*pause)(void);
    void (*resume)(void);
    herr_t (*push_error)(hid_t, const char *, const char *, unsigned, hid_t, hid_t, hid_t, const char *, ...);
    /* Ids, which the library sets when it starts; none is 0. */
    hid_t f32_little, f32_big, f64_little, f64_big, native_double;
    hid_t error_class, major, cannot_apply, cannot_set_local, cannot_filter;
} hdf5_library;

/* The functions of the library that has the code at this address. */
hdf5_library hdf5_at(void *address);

/* Whether all functions are there that writing needs. */
int can_write(const hdf5_library *hdf5);

/* Puts a message on the error stack of HDF5, if that is there. `kind` is one of the last three ids. */
void push_error(const hdf5_library *hdf5, hid_t kind, const char *function, unsigned line, const char *message);

#endif
