#!/usr/bin/env node
// Exists before anything is compiled, so that package managers can link it.
import '../dist/main.js';
