"""Trains the example's model and exports it to ONNX, the way scikit-learn users do by default.

    python train.py training.csv --model model.onnx --scored training-scored.csv

Reads the table made by generate.mjs, fits an imputer and gradient boosting on five numeric columns,
writes the pipeline with skl2onnx's default export (it ends in ZipMap), and copies the table with one
column more: `score`, the out-of-fold probability of default, which is what the model's scores look
like on applications it was not trained on. The same table gives the same files, byte for byte.
"""

import argparse
import csv

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

# The order of the model's input row; monitor.yaml lists the same columns.
FEATURES = [
    "applicant.age",
    "applicant.income",
    "loan.amount",
    "loan.termMonths",
    "utilisation",
]
LABEL = "defaulted"
SEED = 1
FOLDS = 10
# Operator sets that ONNX Runtime 1.30 and every release of the last years can run.
TARGET_OPSET = {"": 17, "ai.onnx.ml": 3}


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames), list(reader)


def feature_matrix(rows):
    """float32, as the model will get it; a missing value is NaN."""
    return np.array(
        [[float(row[name]) if row[name] else np.nan for name in FEATURES] for row in rows],
        dtype=np.float32,
    )


def create_pipeline():
    return make_pipeline(
        SimpleImputer(strategy="median"),
        GradientBoostingClassifier(
            n_estimators=60, max_depth=3, learning_rate=0.1, subsample=0.8, random_state=SEED
        ),
    )


def check_export(model, pipeline, features):
    """Refuses a model that ONNX Runtime scores differently from scikit-learn."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    maps = session.run(["output_probability"], {"features": features})[0]
    exported = np.array([row[1] for row in maps])
    difference = np.abs(exported - pipeline.predict_proba(features)[:, 1]).max()
    if difference > 1e-5:
        raise SystemExit(f"the exported model is off by {difference:.2e}")
    return difference


def write_scored(path, header, rows, scores):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header, "score"])
        for row, score in zip(rows, scores, strict=True):
            writer.writerow([*row.values(), f"{score:.6f}"])


def main():
    parser = argparse.ArgumentParser(description="Trains the credit-default model.")
    parser.add_argument("table", help="training.csv of generate.mjs")
    parser.add_argument("--model", required=True, help="where to write the ONNX model")
    parser.add_argument("--scored", required=True, help="where to write the table with scores")
    arguments = parser.parse_args()

    header, rows = read_table(arguments.table)
    features = feature_matrix(rows)
    labels = np.array([int(row[LABEL]) for row in rows])

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    scores = cross_val_predict(
        create_pipeline(), features, labels, cv=folds, method="predict_proba"
    )[:, 1]
    pipeline = create_pipeline().fit(features, labels)

    onnx_model = to_onnx(
        pipeline,
        initial_types=[("features", FloatTensorType([None, len(FEATURES)]))],
        name="credit-default",
        target_opset=TARGET_OPSET,
    )
    # skl2onnx lists the operator sets in the order of a hash; sorted, the file can be reproduced.
    operator_sets = sorted(onnx_model.opset_import, key=lambda entry: entry.domain)
    del onnx_model.opset_import[:]
    onnx_model.opset_import.extend(operator_sets)
    model = onnx_model.SerializeToString(deterministic=True)
    difference = check_export(model, pipeline, features)
    with open(arguments.model, "wb") as file:
        file.write(model)
    write_scored(arguments.scored, header, rows, scores)
    print(
        f"{len(rows)} rows, {labels.mean():.3f} defaulted, "
        f"out-of-fold AUC {roc_auc_score(labels, scores):.3f}, "
        f"model {len(model)} bytes, off by at most {difference:.1e}"
    )


if __name__ == "__main__":
    main()
