/* dladdr is an extension of glibc, the BSDs and macOS. */
#define _GNU_SOURCE

#include "library.h"

#include <dlfcn.h>
#include <string.h>

/* Looks a name up and stores its address in a pointer to a function or to an id. ISO C has no cast from one to the other,
 * but POSIX gives both the same representation. */
static void look_up(void *handle, const char *name, void *pointer) {
    void *address = dlsym(handle, name);
    memcpy(pointer, &address, sizeof address);
}

/* The value of an id. A program that uses the id may have a copy of the variable, which the library uses, too, and leaves its
 * own one unset: below zero. */
static hid_t look_up_id(void *handle, const char *name) {
    const hid_t *id = NULL;
    look_up(handle, name, &id);
    if (id == NULL || *id <= 0) {
        look_up(RTLD_DEFAULT, name, &id);
    }
    return id != NULL && *id > 0 ? *id : 0;
}

hdf5_library hdf5_at(void *address) {
    hdf5_library hdf5 = {0};
    Dl_info caller;
    void *handle = NULL;
    if (dladdr(address, &caller) != 0 && caller.dli_fname != NULL) {
        handle = dlopen(caller.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    }
    if (handle == NULL) {
        /* The caller is the program itself. */
        handle = dlopen(NULL, RTLD_LAZY);
    }
    if (handle == NULL) {
        return hdf5;
    }
    look_up(handle, "H5allocate_memory", &hdf5.allocate_memory);
    look_up(handle, "H5free_memory", &hdf5.free_memory);
    look_up(handle, "H5Pget_chunk", &hdf5.get_chunk);
    look_up(handle, "H5Pget_filter2", &hdf5.get_filter);
    look_up(handle, "H5Pget_filter_by_id2", &hdf5.get_filter_by_id);
    look_up(handle, "H5Pmodify_filter", &hdf5.modify_filter);
    look_up(handle, "H5Pget_fill_value", &hdf5.get_fill_value);
    look_up(handle, "H5Pfill_value_defined", &hdf5.fill_value_defined);
    look_up(handle, "H5Tequal", &hdf5.is_equal);
    look_up(handle, "H5Eis_paused", &hdf5.is_paused);
    look_up(handle, "H5E_pause_stack", &hdf5.pause);
    look_up(handle, "H5E_resume_stack", &hdf5.resume);
    look_up(handle, "H5Epush2", &hdf5.push_error);
    hdf5.f32_little = look_up_id(handle, "H5T_IEEE_F32LE_g");
    hdf5.f32_big = look_up_id(handle, "H5T_IEEE_F32BE_g");
    hdf5.f64_little = look_up_id(handle, "H5T_IEEE_F64LE_g");
    hdf5.f64_big = look_up_id(handle, "H5T_IEEE_F64BE_g");
    hdf5.native_double = look_up_id(handle, "H5T_NATIVE_DOUBLE_g");
    hdf5.error_class = look_up_id(handle, "H5E_ERR_CLS_g");
    hdf5.major = look_up_id(handle, "H5E_PLINE_g");
    hdf5.cannot_apply = look_up_id(handle, "H5E_CANAPPLY_g");
    hdf5.cannot_set_local = look_up_id(handle, "H5E_SETLOCAL_g");
    hdf5.cannot_filter = look_up_id(handle, "H5E_CANTFILTER_g");
    /* The library stays: it is running. */
    dlclose(handle);
    return hdf5;
}

int can_write(const hdf5_library *hdf5) {
    return hdf5->get_chunk != NULL && hdf5->get_filter != NULL && hdf5->get_filter_by_id != NULL &&
           hdf5->modify_filter != NULL && hdf5->get_fill_value != NULL && hdf5->fill_value_defined != NULL &&
           hdf5->is_equal != NULL && hdf5->f32_little > 0 && hdf5->f32_big > 0 && hdf5->f64_little > 0 &&
           hdf5->f64_big > 0 && hdf5->native_double > 0;
}

void push_error(const hdf5_library *hdf5, hid_t kind, const char *function, unsigned line, const char *message) {
    hbool_t is_paused = 0;
    if (hdf5->push_error == NULL || hdf5->error_class <= 0 || hdf5->major <= 0 || kind <= 0) {
        return;
    }
    /* HDF5 2 pauses the error stack while a filter runs, so that what is put on it is lost. H5Epause_stack of its interface
     * clears the stack, so that the function behind it is called. */
    if (hdf5->is_paused != NULL && hdf5->pause != NULL && hdf5->resume != NULL &&
        hdf5->is_paused(H5E_DEFAULT, &is_paused) >= 0 && is_paused) {
        hdf5->resume();
    }
    hdf5->push_error(H5E_DEFAULT, "vdf_basis_hdf5", function, line, hdf5->error_class, hdf5->major, kind, "vdf-basis: %s",
                     message);
    if (is_paused && hdf5->pause != NULL && hdf5->resume != NULL) {
        hdf5->pause();
    }
}
