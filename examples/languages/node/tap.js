// Tests that print TAP.
//
// SPDX-License-Identifier: MIT
'use strict';

/// Runs functions, each of them a test that fails by an exception. The plan comes last, so what ends early is seen.
module.exports = async function tap(tests) {
  let number = 0;
  for (const [name, test] of Object.entries(tests)) {
    let result = 'ok';
    try {
      await test();
    } catch (error) {
      console.error(error);
      result = 'not ok';
      process.exitCode = 1;
    }
    number += 1;
    console.log(`${result} ${number} - ${name}`);
  }
  console.log(`1..${number}`);
};
