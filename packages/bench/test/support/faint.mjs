// Ends at the first question.
process.once('message', () => process.exit(3));
