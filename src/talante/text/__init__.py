"""From a page to sentences: cleaning, language, mentions, contexts; knows no learning."""
