/* Writes 20 cells of 16^3, 8 in a chunk: example FILE. Plain HDF5 and vdf_basis_hdf5.h; the filter is found at run time. */
#include <math.h>
#include <stdio.h>

#include "vdf_basis_hdf5.h"

enum { CELLS = 20, EDGE = 16 };

static float values[CELLS][EDGE][EDGE][EDGE];

static void make_cells(void) {
    int c, i, j, k;
    for (c = 0; c < CELLS; c++) {
        for (i = 0; i < EDGE; i++) {
            for (j = 0; j < EDGE; j++) {
                for (k = 0; k < EDGE; k++) {
                    const double x = i - 7.5 - 0.1 * c, y = j - 7.5, z = k - 7.5;
                    values[c][i][j][k] = (float)exp(-(x * x + y * y + z * z) / 18);
                }
            }
        }
    }
}

int main(int count, char **arguments) {
    const hsize_t shape[4] = {CELLS, EDGE, EDGE, EDGE}, chunk[4] = {8, EDGE, EDGE, EDGE};
    hid_t file, space, dcpl, dataset;
    herr_t status = -1;
    if (count != 2) {
        fprintf(stderr, "usage: %s FILE\n", arguments[0]);
        return 2;
    }
    make_cells();
    file = H5Fcreate(arguments[1], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    space = H5Screate_simple(4, shape, NULL);
    dcpl = H5Pcreate(H5P_DATASET_CREATE);
    if (H5Pset_chunk(dcpl, 4, chunk) >= 0 && vdfb_hdf5_set_filter(dcpl, "conserve(fast:l2=0.01)") >= 0) {
        dataset = H5Dcreate2(file, "f", H5T_IEEE_F32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
        status = H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        /* Chunks in the cache are encoded here: this may fail as a write may. */
        status = H5Dclose(dataset) < 0 ? -1 : status;
    }
    H5Pclose(dcpl);
    H5Sclose(space);
    return H5Fclose(file) < 0 || status < 0;
}
