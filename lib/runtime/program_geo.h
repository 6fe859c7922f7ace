/* Places on the globe, for row programs and the steps that do the same. Angles are in degrees. */
#ifndef RUNTIME_PROGRAM_GEO_H
#define RUNTIME_PROGRAM_GEO_H

#include "runtime/runtime.h"

#include <stdbool.h>

#define ML_GEOHASH_MAX 12

/* Great-circle distance: the haversine formula, well-conditioned for near places. */
ML_API double ml_haversine_km(double lat1, double lon1, double lat2, double lon2);
/* East of the date line is west of it: to [-180, 180). */
ML_API double ml_wrapped(double longitude);
/* Writes `precision` letters. */
ML_API void ml_geohash(double latitude, double longitude, size_t precision, char *out);
/* The square with a corner at 0, 0, or the hexagon centred there, that holds a point. */
struct ml_tile {
    int64_t x, y;
};
ML_API struct ml_tile ml_square_at(double x, double y, double size);
ML_API struct ml_tile ml_hexagon_at(double x, double y, double size);

#endif
