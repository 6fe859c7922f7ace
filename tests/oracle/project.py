"""Projections against scikit-learn, up to the sign of each output (ours is fixed by the weights)."""
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.cluster import FeatureAgglomeration, KMeans
from sklearn.decomposition import NMF, PCA, FactorAnalysis, FastICA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler

from oracle import close, done, fit_apply, ok, run

cancer = load_breast_cancer()
wine = load_wine(as_frame=True).data
iris = load_iris()
cancer = pd.DataFrame(cancer.data, columns=[f"f{i}" for i in range(30)])


def aligned(got, want):
    """got with the signs of want."""
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    return got * np.sign((got * want).sum(axis=0))


def same_up_to_sign(program, frame, want, name, tolerance=1e-9):
    close(aligned(run(program, frame), want), want, name, tolerance)


same_up_to_sign("pca @all scale=false k=5", cancer, PCA(5, svd_solver="full").fit_transform(cancer),
                "pca scale=false equals sklearn PCA", 1e-8)
scaled = StandardScaler().fit_transform(wine)
same_up_to_sign("pca @all", wine, PCA().fit_transform(scaled),
                "pca equals sklearn StandardScaler and PCA", 1e-8)
want = PCA(0.95, svd_solver="full").fit_transform(scaled)
ok(run("pca @all variance=95", wine).shape == want.shape, "pca variance=95 keeps as many as PCA(0.95)")
same_up_to_sign("truncated_svd @all k=4", wine,
                TruncatedSVD(4, algorithm="arpack", tol=1e-14).fit_transform(wine),
                "truncated_svd equals sklearn TruncatedSVD", 1e-8)
flower = pd.DataFrame(iris.data, columns=list("abcd"))
factors = FactorAnalysis(2, svd_method="lapack")
same_up_to_sign("factor_analysis @all k=2", flower, factors.fit_transform(flower),
                "factor_analysis equals sklearn FactorAnalysis", 1e-8)
labelled = flower.assign(kind=iris.target)
want = LinearDiscriminantAnalysis().fit(flower, iris.target).transform(flower)
got = run("lda_discriminant @numeric target=kind", labelled)
close(aligned(got[["lda_0", "lda_1"]], want), want, "lda_discriminant equals sklearn LDA", 1e-8)
close(got.kind, labelled.kind, "lda_discriminant keeps the target")

half = wine[::2].reset_index(drop=True), wine[1::2].reset_index(drop=True)
want = PCA().fit(StandardScaler().fit(half[0]).transform(half[0]))
want = want.transform(StandardScaler().fit(half[0]).transform(half[1]))
close(aligned(fit_apply("pca @all", *half), want), want, "a fitted pca applies to other rows", 1e-8)

got = run("nystroem @all k=150 gamma=0.5", flower.drop_duplicates().reset_index(drop=True))
want = rbf_kernel(flower.drop_duplicates(), gamma=0.5)
close(got @ got.T, want, "nystroem with all rows as landmarks gives the kernel", 1e-5)
got = run("rbf_sampler @all k=20000 gamma=0.1", flower[:40])
close(got @ got.T, rbf_kernel(flower[:40], gamma=0.1), "rbf_sampler approximates the kernel", 0.05)
for method in "gaussian", "sparse":
    got = run(f"random_projection @all k=4000 with={method}", cancer[:30])
    want = ((cancer[:30].values[:, None] - cancer[:30].values) ** 2).sum(axis=2)
    near = ((got.values[:, None] - got.values) ** 2).sum(axis=2)
    off = want > 0
    ok(np.abs(near[off] / want[off] - 1).max() < 0.2, f"random_projection with={method} keeps distances")
got = run("count_sketch @all k=7", cancer)
close(np.abs(got.sum(axis=1)) <= cancer.sum(axis=1) + 1e-6, np.ones(len(cancer)),
      "count_sketch adds and subtracts")

for k in 1, 3, 6:
    want = FeatureAgglomeration(k).fit_transform(cancer)
    got = run(f"feature_agglomeration @all k={k}", cancer).values
    close(got[:, np.argsort(got[0])], want[:, np.argsort(want[0])], f"feature_agglomeration k={k} equals sklearn")

gaps = wine.copy()
gaps.iloc[3, 2] = np.nan
got = run("pca @all k=2", gaps)
ok(got.iloc[3].isna().all() and got.drop(3).notna().all().all(), "a row with a gap becomes missing")
want = PCA(2).fit_transform(StandardScaler().fit_transform(gaps.dropna()))
close(aligned(got.drop(3), want), want, "and teaches nothing", 1e-8)

for frame, k in (flower, 3), (flower, 2), (wine, 3):
    want = KMeans(k, n_init=30, tol=0, random_state=0).fit(frame)
    want = want.transform(frame)[:, np.argsort(want.cluster_centers_[:, 0])]
    close(run(f"kmeans_distance @all k={k}", frame), want, f"kmeans_distance k={k} equals sklearn KMeans.transform", 1e-8)
even = (wine - wine.min()) / (wine.max() - wine.min())
for frame, k in (flower, 2), (flower, 3), (even, 4):
    model = NMF(k, init="nndsvda", random_state=0, tol=1e-6, max_iter=1000).fit(frame)
    got = run(f"nmf @all k={k} tolerance=1e-6 rounds=1000", frame)
    close(got, model.set_params(tol=1e-13, max_iter=100000).transform(frame), f"nmf k={k} equals sklearn NMF", 1e-5)
mixed = pd.DataFrame(np.random.default_rng(1).laplace(size=(500, 3)) @ [[1, 2, 0], [0, 1, 1], [1, 0, 3]], columns=list("xyz"))
for frame, k in (mixed, 3), (mixed, 2):
    model = FastICA(k, w_init=np.eye(k), whiten="unit-variance", tol=1e-10, max_iter=5000)
    same_up_to_sign(f"fast_ica @all k={k} tolerance=1e-10 rounds=5000", frame, model.fit_transform(frame),
                    f"fast_ica k={k} equals sklearn FastICA", 1e-5)
one = run("kmeans_distance @all k=3 sample=50", flower, "--jobs", "1")
ok(one.equals(run("kmeans_distance @all k=3 sample=50", flower, "--jobs", "4")), "kmeans_distance does not depend on threads")

done()
