/**
 * {@code flipout bench}: what this machine does in what time, a JSON object a line. Each command is
 * one measurement. Nothing else uses what lives here.
 */
package io.flipout.cli.bench;
