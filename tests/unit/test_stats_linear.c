#include "stats/stats.h"
#include "unit.h"

#include <math.h>

static bool near(double got, double want)
{
    return fabs(got - want) <= 1e-13 * (1 + fabs(want));
}

TEST(eigen_of_a_small_matrix)
{
    double a[] = {4, 1, 2, 1, 3, 0, 2, 0, 5}, value[3], vector[9];
    static const double values[] = {6.669079088282288, 3.476023602918134, 1.854897308799577};
    static const double vectors[] = {/* numpy.linalg.eigh, signs turned */
                                     0.6311789687764832, 0.1720265367929079,  0.7563200248659909,
                                     0.3743619547830716, 0.7864356987513784,  -0.4912962635115684,
                                     0.6793130619863367, -0.5932333119173847, -0.4319814827585529};
    eigen_symmetric(a, 3, value, vector);
    for (int i = 0; i < 3; i++)
        CHECK(near(value[i], values[i]));
    for (int i = 0; i < 9; i++)
        CHECK(near(vector[i], vectors[i]));
}

TEST(eigen_rebuilds_the_matrix)
{
    enum { N = 20 };
    static double a[N * N], copy[N * N], vector[N * N], value[N];
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j <= i; j++)
            a[i * N + j] = a[j * N + i] = i % 5 ? random_normal(1, i, j) : 0;
    memcpy(copy, a, sizeof a);
    eigen_symmetric(a, N, value, vector);
    for (size_t i = 0; i < N; i++) {
        CHECK(i == 0 || value[i] <= value[i - 1]);
        for (size_t j = 0; j < N; j++) {
            double sum = 0, dot = 0;
            for (size_t k = 0; k < N; k++) {
                sum += value[k] * vector[k * N + i] * vector[k * N + j];
                dot += vector[i * N + k] * vector[j * N + k];
            }
            CHECK(near(sum, copy[i * N + j]));
            CHECK(near(dot, i == j));
        }
    }
}

TEST(solve_and_invert)
{
    double a[] = {4, 1, 2, 1, 3, 0, 2, 0, 5}, b[] = {1, 2, 3};
    double copy[9], inverse[9];
    memcpy(copy, a, sizeof a);
    memcpy(inverse, a, sizeof a);
    CHECK(solve_spd(a, b, 3));
    CHECK(near(b[0], -0.3023255813953489));
    CHECK(near(b[1], 0.7674418604651163));
    CHECK(near(b[2], 0.7209302325581396));
    CHECK(invert_spd(inverse, 3));
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) {
            double sum = 0;
            for (size_t k = 0; k < 3; k++)
                sum += copy[i * 3 + k] * inverse[k * 3 + j];
            CHECK(near(sum, i == j));
        }
    }
    double singular[] = {1, 2, 2, 4};
    CHECK(!invert_spd(singular, 2));
    double indefinite[] = {1, 2, 2, 1}, c[2] = {0};
    CHECK(!solve_spd(indefinite, c, 2));
}
