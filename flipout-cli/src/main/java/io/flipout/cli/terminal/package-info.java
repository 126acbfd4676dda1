/**
 * What a user sees: lines, tables, progress, and sentences for what went wrong. Knows nothing else
 * of the command line.
 */
package io.flipout.cli.terminal;
