"""Text steps against scikit-learn and Python. Tolerance 1e-9."""
import json
import re
import string
import unicodedata

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from oracle import close, done, fit_apply, run, same

rng = np.random.default_rng(2)
letters = list("abcdefghij") + ["é", "ß", "Ü", "ж"]
words = ["".join(rng.choice(letters, rng.integers(1, 6))) for _ in range(150)]
weights = 1 / np.arange(1, 151)
texts = [" ".join(rng.choice(words, rng.integers(1, 15), p=weights / weights.sum())) +
         rng.choice(["", ".", "!! 42", " X_1, y-2"]) for _ in range(400)]
frame = pd.DataFrame({"x": np.arange(400), "t": texts})
train, test = frame.iloc[:300], frame.iloc[300:]


def numbers(table):
    return table.drop(columns=["x", "t"])


def vectorizers(program, vectorizer, name):
    want = vectorizer.fit(train["t"]).transform(test["t"]).toarray()
    got = numbers(fit_apply(program, train, test, keep_default_na=False))
    close(got, want, name)
    same([column[2:] for column in got], vectorizer.get_feature_names_out(), f"{name}: words")


vectorizers("count_vectorize t", CountVectorizer(), "count_vectorize equals CountVectorizer")
vectorizers("count_vectorize t binary=true", CountVectorizer(binary=True), "binary counts")
vectorizers("count_vectorize t min_df=5 max_df=0.5", CountVectorizer(min_df=5, max_df=0.5),
            "min_df and max_df")
vectorizers("tfidf t", TfidfVectorizer(), "tfidf equals TfidfVectorizer")
vectorizers("tfidf t min_df=0.02", TfidfVectorizer(min_df=0.02), "tfidf with min_df")

counter = CountVectorizer().fit(train["t"])
seen, new = counter.transform(train["t"]).toarray(), counter.transform(test["t"]).toarray()
idf = np.log1p((300 - (seen > 0).sum(0) + 0.5) / ((seen > 0).sum(0) + 0.5))
length = np.array([len(re.findall(r"\b\w\w+\b", t)) for t in test["t"]])
norm = 1.5 * (0.25 + 0.75 * length / (seen.sum() / 300))
close(numbers(fit_apply("bm25 t", train, test, keep_default_na=False)),
      idf * new * 2.5 / (new + norm[:, None]), "bm25 equals its definition")


def lists(program):
    return run(program, frame, keep_default_na=False)["t"]


tokens = [[w.lower() for w in re.findall(r"\w+", t)] for t in texts]
dump = lambda items: json.dumps(items, ensure_ascii=False, separators=(",", ":"))
same(lists("tokenize t"), [dump(w) for w in tokens], "tokenize")
same(lists("ngrams t min=1 max=2"),
     [dump(w + [f"{a} {b}" for a, b in zip(w, w[1:])]) for w in tokens], "ngrams")
same(lists("char_ngrams t"), [dump([t[i:i + 3] for i in range(len(t) - 2)]) for t in texts],
     "char_ngrams")
for form in ("NFC", "NFD", "NFKC", "NFKD"):
    same(lists(f"normalize_unicode t form={form.lower()}"),
         [unicodedata.normalize(form, t) for t in texts], f"normalize_unicode {form}")
same(lists("strip_punct t"),
     [t.translate(str.maketrans("", "", string.punctuation)) for t in texts], "strip_punct")
stats = run("text_stats t", frame, keep_default_na=False)
close(stats["t_stats_word_count"], [len(t.split()) for t in texts], "text_stats words")
close(stats["t_stats_char_count"], [len(t) for t in texts], "text_stats characters")
share = lambda test: [sum(map(test, t)) / max(len(t), 1) for t in texts]
close(stats["t_stats_capital_ratio"], share(lambda c: "A" <= c <= "Z"), "text_stats capitals")
close(stats["t_stats_special_ratio"], share(lambda c: not c.isalnum()), "text_stats special")
bag = run("bag_of_chars t", frame, keep_default_na=False)
close(bag["t_a"], [t.lower().count("a") for t in texts], "bag_of_chars a")
close(bag["t_2"], [t.count("2") for t in texts], "bag_of_chars 2")
hashed = run("hash_vectorize t features=8 signed=false min_length=1", frame, keep_default_na=False)
close(numbers(hashed).sum(axis=1), [len(w) for w in tokens], "hash_vectorize counts every word")

# The examples of the paper (Porter 1980).
stems = dict(pair.split(":") for pair in """
caresses:caress ponies:poni ties:ti caress:caress cats:cat feed:feed agreed:agre plastered:plaster
bled:bled motoring:motor sing:sing conflated:conflat troubled:troubl sized:size hopping:hop tanned:tan
falling:fall hissing:hiss fizzed:fizz failing:fail filing:file happy:happi sky:sky relational:relat
conditional:condit rational:ration valenci:valenc hesitanci:hesit digitizer:digit conformabli:conform
radicalli:radic differentli:differ vileli:vile analogousli:analog vietnamization:vietnam
predication:predic operator:oper feudalism:feudal decisiveness:decis hopefulness:hope
callousness:callous formaliti:formal sensitiviti:sensit sensibiliti:sensibl triplicate:triplic
formative:form formalize:formal electriciti:electr electrical:electr hopeful:hope goodness:good
revival:reviv allowance:allow inference:infer airliner:airlin gyroscopic:gyroscop adjustable:adjust
defensible:defens irritant:irrit replacement:replac adjustment:adjust dependent:depend adoption:adopt
homologou:homolog communism:commun activate:activ angulariti:angular homologous:homolog
effective:effect bowdlerize:bowdler probate:probat rate:rate cease:ceas controll:control roll:roll
""".split())
same(run("stem t", pd.DataFrame({"x": 1, "t": list(stems)}))["t"], stems.values(),
     "stem cuts as the paper does")
done()
