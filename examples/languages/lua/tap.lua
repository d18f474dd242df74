-- Tests that print TAP.
--
-- SPDX-License-Identifier: MIT

-- Runs functions, { name, test } each; a test fails by an error. The plan comes last, so what ends early is seen.
return function(tests)
    local failed = 0
    for number, test in ipairs(tests) do
        local fine, why = xpcall(test[2], debug.traceback)
        if not fine then
            io.stderr:write(why, "\n")
            failed = failed + 1
        end
        print((fine and "ok " or "not ok ") .. number .. " - " .. test[1])
    end
    print("1.." .. #tests)
    os.exit(failed == 0)
end
