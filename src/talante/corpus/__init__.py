"""Articles, labels and the files they live in; knows no learning."""
