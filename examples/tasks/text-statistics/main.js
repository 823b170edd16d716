function (input) {
  const words = input.text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu) ?? [];
  const ignored = new Set((input.ignore ?? []).map((word) => word.toLowerCase()));
  const counts = new Map();
  for (const word of words) {
    if (!ignored.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const frequent = [...counts]
    .sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1))
    .slice(0, input.top ?? 10)
    .map(([word, count]) => ({ word, count }));
  return {
    characters: [...input.text].length,
    words: words.length,
    different_words: new Set(words).size,
    sentences: (input.text.match(/[^.!?…]+[.!?…]+(?=\s|$)/g) ?? []).length,
    reading_seconds: Math.round((words.length / (input.words_per_minute ?? 230)) * 60),
    frequent,
  };
}
